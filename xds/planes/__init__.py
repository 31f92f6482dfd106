"""Data planes in a cluster: their objects applied, repaired and removed, by the replica that leads."""
