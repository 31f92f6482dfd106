"""Rows of the intermediate representation become serialized Envoy messages. Knows no Kubernetes.

RULES is what a program takes: it reads the tables of `translator.ir.tables` that fronts fill, and writes RESOURCES and REFUSED.
"""

from __future__ import annotations

from translator.envoy_v3.rules import RULES

__all__ = ["RULES"]
