"""The starting point: a folder of YAML to edit, and small backends that say who answered."""
