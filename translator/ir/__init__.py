"""The intermediate representation: where fronts and Envoy's side meet. Row types, the tables that hold them, and names.

Fronts (gatewayapi, later vpc, sandbox, udp) yield rows into these tables; envoy_v3 turns them into messages. Neither sees
the other. Nothing here knows Kubernetes, protobuf or the engine's state.
"""
