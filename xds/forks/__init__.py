"""Forks that Sandboxes declare, made in a cluster, changed with their baseline and removed, by the replica that leads."""
