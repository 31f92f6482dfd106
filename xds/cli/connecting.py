"""`sandbox connect`, `sandbox claim` and `tunnels`: a port of this machine as the fork, who may do that, and where tunnels end."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from cryptography.x509 import DNSName, SubjectAlternativeName, load_pem_x509_certificates

from translator.ir.local import claim as named
from xds.bootstrap import Client, split
from xds.cli.cluster import Cluster
from xds.cli.holding import Watch
from xds.cli.lives import Lives
from xds.cli.output import Exit, Output, dumped, say
from xds.dataplane import NoEnvoyError, binary
from xds.laptops.asking import workers
from xds.laptops.heartbeat import Heart
from xds.laptops.tunnel import Gateway, Laptop, gateway
from xds.security.credentials import CA, CERTIFICATE, KEY
from xds.security.issuing import claimant, load
from xds.sources.kube.access import loader
from xds.sources.kube.transport import Transport


@dataclass(frozen=True, slots=True)
class Wanted:
    """`service` of `sandbox` is what answers on `port` of this machine. `tls` is a folder with tls.crt, tls.key and ca.crt."""

    sandbox: str
    service: str
    port: int
    namespace: str
    reach: tuple[str, ...]
    tls: Path
    server: str = ""
    grpc: bool = False
    cluster: Cluster | None = None  # where to say that it is connected
    api: str = ""  # and of which LocalWorkloads: their group and version


def connect(wanted: Wanted) -> None:
    """Until Ctrl-C. Exit code 2 where the certificate is none or of another claim, 3 where there is no Envoy or it ends."""
    of = _laptop(wanted)
    try:
        asyncio.run(_connected(of, binary(), wanted))
    except NoEnvoyError as error:
        raise Exit(3, str(error)) from None


def _laptop(wanted: Wanted) -> Laptop:
    from xds.security.credentials import CredentialsError, read

    claim = named(wanted.namespace, wanted.sandbox, wanted.service)
    try:
        host, *_ = [split(one)[0] for one in wanted.reach]
        read(wanted.tls, datetime.now(UTC))
        found = claimed(wanted.tls)
    except (OSError, ValueError, CredentialsError) as error:
        raise Exit(2, str(error)) from None
    if found != claim:
        raise Exit(2, f"the certificate in {wanted.tls} is for {found or 'nobody'}, not for {claim}")
    who = Client(str(wanted.tls.absolute()), wanted.server or host)
    return Laptop(claim=claim, node="", gateways=wanted.reach, who=who, port=wanted.port, grpc=wanted.grpc)


def claimed(folder: Path) -> str:
    """The one DNS name in a certificate, or nothing. OSError and ValueError where there is none to read."""
    first = load_pem_x509_certificates((folder / CERTIFICATE).read_bytes())[0]
    names = first.extensions.get_extension_for_class(SubjectAlternativeName).value.get_values_for_type(DNSName)
    return names[0] if len(names) == 1 else ""


async def _connected(of: Laptop, program: Path, wanted: Wanted) -> None:
    over = asyncio.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(one, over.set)
    heart = _heart(wanted)
    what = f"{wanted.service} of Sandbox {wanted.sandbox} is port {wanted.port}"
    watch = Watch(what, wanted.reach, heart, partial(workers, of.gateways, of.who))
    try:
        await Lives(of, program, watch, over).run()
    finally:
        if heart:
            await heart.calls.close()


def _heart(wanted: Wanted) -> Heart | None:
    if wanted.cluster is None:
        return None
    transport = Transport(loader(wanted.cluster.kubeconfig, wanted.cluster.context))
    return Heart(transport, wanted.namespace, wanted.sandbox, wanted.service, wanted.api)


def claim(which: str, ca: Path, to: Path, days: int) -> None:
    """Writes tls.crt, tls.key and ca.crt. Exit code 2 where there is no CA, or the name is none."""
    namespace, sandbox, service = [*which.split("/"), "", "", ""][:3]
    if which.count("/") != 2 or not (namespace and sandbox and service):
        raise Exit(2, f"{which}: NAMESPACE/SANDBOX/SERVICE is needed")
    try:
        bundle = (ca / CA).read_bytes()
        made = claimant(load(bundle, (ca / "ca.key").read_bytes()), named(namespace, sandbox, service), datetime.now(UTC), days)
        to.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, content in ((CERTIFICATE, made.pem), (KEY, made.key), (CA, bundle)):
            (to / name).touch(mode=0o600)
            (to / name).write_bytes(content)
    except (OSError, ValueError) as error:
        raise Exit(2, f"--ca {ca}: {error}") from None
    say(f"{to}: answers as {service} in Sandbox {sandbox} of namespace {namespace}, for {days} days")


def tunnels(of: Gateway, output: Output) -> None:
    """Prints the bootstrap of the Envoy at which tunnels end."""
    try:
        config = gateway(of)
    except ValueError as error:
        raise Exit(2, str(error)) from None
    say(dumped(config, Output.JSON if output is Output.JSON else Output.YAML))
