"""Ports that nobody else gets: reserved by a socket that is bound and never listens, beside which the program listens."""

from __future__ import annotations

import socket


class Reserved:
    """A TCP port on loopback, ours until closed. The program that uses it must set SO_REUSEPORT, as etcd and the API server can."""

    def __init__(self, address: str = "127.0.0.1") -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._socket.bind((address, 0))
        self.port: int = self._socket.getsockname()[1]

    def close(self) -> None:
        self._socket.close()
