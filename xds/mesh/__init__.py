"""Objects of meshes in a cluster: applied, merged into those of users, and taken out again, by the replica that leads."""
