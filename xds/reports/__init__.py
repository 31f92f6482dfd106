"""Statuses written back to an API server, by one replica at a time."""
