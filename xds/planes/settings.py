"""What is set of data planes when the server starts. Declarations only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DataPlanes:
    """`reach` is HOST:PORT where proxies find the server, and HOST what its certificate says; `ca` a folder with ca.crt and ca.key,
    or nothing, for a CA of our own in the cluster. `home` is the namespace of proxies that all Gateways of a class share. `counted`:
    they send what they count of requests.
    """

    image: str
    reach: str
    ca: str
    replicas: int = 1
    home: str = "default"
    counted: bool = False
