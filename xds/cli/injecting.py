"""`inject` and `intercept`: sidecars into manifests, and what the init container of a Pod tells the kernel."""

from __future__ import annotations

import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from translator.injection.ruleset import ruleset
from translator.injection.workload import Beside, companions, digest, injected, on_node, pod_of, ports, services, spared
from xds.cli.output import Exit, Output, dumped, say
from xds.planes.identity import SIDECAR
from xds.security.access import Identity
from xds.security.credentials import CA, CERTIFICATE, KEY
from xds.security.issuing import client, load
from xds.sources.documents import Fault, read
from xds.webhook.start import files

DAYS = 365
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """`reach` is HOST:PORT of the server from within a Pod; `ca` a folder with ca.crt and ca.key, or nothing. `counted`: sidecars send
    what they count of requests.
    """

    image: str
    reach: str
    service: str = ""
    ca: Path | None = None
    trust: str = ""
    counted: bool = False


def inject(file: Path, wanted: Wanted) -> None:
    """Prints all that is in the file: workloads with their sidecars, and after them what the sidecars start with."""
    documents = [*_documents(file)]
    beside: dict[str, Beside] = {}
    made = [_changed(one, documents, wanted, beside) for one in documents]
    if not beside:
        raise Exit(1, f"{file}: no workload here that a Service of it selects; name the Service by --service and put it in the same file")
    for one in beside.values():
        made += companions(one.service, files(one.service, wanted.reach, counted=wanted.counted), _secret(one.service, wanted))
    say("\n---\n".join(dumped(one, Output.YAML) for one in made))


def _changed(document: Json, documents: list[Json], wanted: Wanted, beside: dict[str, Beside]) -> Json:
    found = pod_of(document)
    if found is None or spared(found[0]) or on_node(found[1]):
        return document
    known = services(document, [one for one in documents if one.get("kind") == "Service"])
    chosen = [one for one in known if wanted.service in ("", one["metadata"]["name"])]
    if not chosen:
        return document
    names = ", ".join(one["metadata"]["name"] for one in chosen)
    if len(chosen) > 1:
        raise Exit(
            2, f"{document['kind']} {document['metadata']['name']} is selected by Services {names}: say by --service whose keys count"
        )
    behind = ports(document, chosen[0])
    if not behind:
        raise Exit(2, f"Service {names} has no TCP port that {document['kind']} {document['metadata']['name']} listens on")
    metadata = chosen[0]["metadata"]
    service = f"{metadata.get('namespace', 'default')}/{metadata['name']}"
    beside[service] = Beside(service, wanted.image, behind, digest(files(service, wanted.reach, counted=wanted.counted)))
    return injected(document, beside[service])


def _secret(service: str, wanted: Wanted) -> dict[str, str] | None:
    if wanted.ca is None:
        return None
    try:
        bundle, key = (wanted.ca / CA).read_bytes(), (wanted.ca / "ca.key").read_bytes()
        signer = load(bundle, key)
    except (OSError, ValueError) as error:
        raise Exit(2, f"--ca {wanted.ca}: no CA that can sign: {error}") from None
    namespace, _, name = service.partition("/")
    made = client(signer, Identity(wanted.trust, namespace, SIDECAR, name, of_service=True), datetime.now(UTC), DAYS)
    return {name: b64encode(body).decode() for name, body in ((CERTIFICATE, made.pem), (KEY, made.key), (CA, bundle))}


def _documents(file: Path) -> Iterator[Json]:
    try:
        text = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        pieces = read(text, "json" if file.suffix == ".json" else "yaml")
    except OSError as error:
        raise Exit(2, f"{file}: {error.strerror}") from None
    except Fault as fault:
        raise Exit(2, f"{file}: {fault.code} {fault.message}") from None
    for one in (document.value for piece in pieces for document in piece.documents):
        if not isinstance(one, dict) or not isinstance(one.get("metadata"), dict) or not one["metadata"].get("name"):
            raise Exit(2, f"{file}: a document is no object with metadata.name")
        yield one


def intercept(numbers: list[int], spared: list[str], apply: bool) -> None:
    """Prints the rules, or gives them to nft. Exit code 3 where the kernel does not take them.

    A kernel that does not take them for IPv6 is given those for IPv4: this is no reason for a Pod not to start.
    """
    try:
        both, four = ruleset(numbers, spared), ruleset(numbers, spared, six=False)
    except ValueError as error:
        raise Exit(2, str(error)) from None
    if not apply:
        say(both.rstrip("\n"))
    elif why := _told(both):
        if _told(four):
            raise Exit(3, f"nft: {why}")
        sys.stderr.write(f"pointsman: connections over IPv6 are not turned here: {why}\n")


def _told(rules: str) -> str:
    """Why the kernel does not take them, or nothing."""
    try:
        done = subprocess.run(["nft", "-f", "-"], input=rules, text=True, capture_output=True, check=False)
    except OSError as error:
        raise Exit(3, f"nft cannot be run: {error.strerror}") from None
    return (done.stderr.strip() or "it failed") if done.returncode else ""
