"""Stands in for the image of CoreDNS: answers each question with one address. The suite wants any well-formed answer."""

from __future__ import annotations

import socket

ANSWER = b"\x84\x00\x00\x01\x00\x01\x00\x00\x00\x00"  # a reply, authoritative; one question and one answer
ADDRESS = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x1e\x00\x04\x0a\x60\x00\x01"  # of the name asked, for 30 seconds: 10.96.0.1


def answer(query: bytes) -> bytes:
    """One question: name, type, class."""
    end = query.index(0, 12) + 5
    return query[:2] + ANSWER + query[12:end] + ADDRESS


def main() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as here:
        here.bind(("0.0.0.0", 53))  # all addresses of its own Pod
        while True:
            query, sender = here.recvfrom(4096)
            here.sendto(answer(query), sender)


if __name__ == "__main__":
    main()
