"""The pure half of Pointsman: what users declare, translated into serialized Envoy resources, statuses and findings."""
