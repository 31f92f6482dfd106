"""What the commands about sandboxes know: what to write, and what to make of what is there. Plain values; no I/O."""
