"""Objects of meshes that lead keys to forks: made, merged into those of users, and taken out again. Pure; plain values in and out."""
