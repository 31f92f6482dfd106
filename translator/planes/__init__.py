"""From a declared data plane to the Kubernetes objects that make it. Pure: plain values in, plain values out."""

from translator.planes.manifests import KINDS, LABEL, OWNER, Made, Terms, objects

__all__ = ["KINDS", "LABEL", "OWNER", "Made", "Terms", "objects"]
