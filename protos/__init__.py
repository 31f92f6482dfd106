"""The Envoy API, generated at build time under this prefix. `v3` is the one door to it."""
