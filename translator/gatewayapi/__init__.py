"""Gateway API semantics: resources become rows of the intermediate representation, and conditions. Knows no Envoy."""
