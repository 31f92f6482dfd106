"""Where objects come from. A source turns the outside world into Changes; it differs from the others in transport alone."""
