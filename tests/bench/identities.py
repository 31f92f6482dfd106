"""Certificates of a run: one server, and one identity for all proxies, as `pointsman certs` makes them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from xds.security import TRUST_DOMAIN
from xds.security.access import Identity, Limits, Policy
from xds.security.credentials import CA, CERTIFICATE, KEY
from xds.security.issuing import authority, client, server

PROXIES = Identity(TRUST_DOMAIN, "bench", "default", "edge")
# One Gateway has a thousand proxies here, and they come as fast as they can: what is measured is what a stream costs.
POLICY = Policy(shared=True, limits=Limits(streams=10_000, first_within=600.0, requests=1e9, burst=1e9))


def issue(into: Path) -> Path:
    """Folders `server` and `client`, each with its certificate, key and the CA of both."""
    now = datetime.now(UTC)
    signer = authority("bench", TRUST_DOMAIN, now, 1)
    for name, pair in {"server": server(signer, ["localhost"], now, 1), "client": client(signer, PROXIES, now, 1)}.items():
        folder = into / name
        folder.mkdir()
        for file, content in {CERTIFICATE: pair.pem, KEY: pair.key, CA: signer.pem}.items():
            (folder / file).write_bytes(content)
            (folder / file).chmod(0o600)
    return into
