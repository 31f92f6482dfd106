"""What answers on somebody's laptop: by which name it is known, and what requests on their way there say. Names only."""

from __future__ import annotations

HEADER = "x-pointsman-tunnel"  # for whom a request is
ABSENT = "x-pointsman-absent"  # of an answer: nobody is there, ask the baseline

SINCE = "pointsman.io/connected-at"  # an annotation beside it: when this connection began
BEAT = "pointsman.io/heartbeat"  # an annotation: another value each time that the laptop says that it is connected


def claim(namespace: str, sandbox: str, service: str) -> str:
    """`cart.alice.shop`, the DNS name in a certificate: who answers as this Service in this Sandbox."""
    return f"{service}.{sandbox}.{namespace}"
