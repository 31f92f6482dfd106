"""One file a route filter, and the order in which they stand. Files here never import each other."""
