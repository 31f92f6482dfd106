"""Sidecars put beside workloads: manifests in, manifests out. Pure; plain values."""
