"""Rows of the intermediate representation become serialized Envoy messages. Knows no Kubernetes."""
