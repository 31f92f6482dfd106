"""Sandboxes: which key leads to which fork. Knows no Gateways and no Envoy; it meets both in the tables of ir."""
