"""Sidecars put into Pods as an API server makes them, and what they start with."""
