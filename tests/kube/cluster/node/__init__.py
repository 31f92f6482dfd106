"""Nodes without containers: Pods as plain processes, each Pod in a network of its own, each container in a root of its own."""
