"""`certs`: a CA, a server and proxies for a laptop, in files that `serve --tls` and `bootstrap --tls` take as they are.

DIR/ca.key, DIR/ca.crt                  the CA that signs, first in the list of those that are trusted
DIR/ca.crl                              what the CAs that are trusted have taken back; missing until there is any
DIR/server/                             tls.crt, tls.key, ca.crt, ca.crl
DIR/gateways/NAMESPACE/NAME/            the same for the proxies of a Gateway, and two files that name them to Envoy
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding

from xds.bootstrap import Client, secrets
from xds.cli.output import Exit, Output, dumped, say, table
from xds.security.access import Identity, identity
from xds.security.credentials import CA, CERTIFICATE, KEY, REVOKED, CredentialsError, revocations
from xds.security.issuing import Pair, authority, client, load, server
from xds.security.issuing import revocations as made_revocations

CA_DAYS = 3650
DEMO = "default/edge"  # the Gateway of `pointsman demo`, for who names none


@dataclass(frozen=True)
class Wanted:
    """What the command line asks for. `hosts` empty: those of the certificate that is there, else loopback's names."""

    gateways: tuple[str, ...]
    hosts: tuple[str, ...]
    account: str
    trust: str
    days: int
    renew: bool = False
    new_ca: bool = False
    drop_old_ca: bool = False
    revoke: tuple[str, ...] = ()


def certs(root: Path, wanted: Wanted, output: Output) -> None:
    try:
        written = list(Folder(root, wanted).make())
    except OSError as error:
        raise Exit(2, f"{root} cannot be written: {error.strerror or error}") from None
    except CredentialsError as error:
        raise Exit(2, str(error)) from None
    if not written:
        raise Exit(2, f"{root} holds certificates already. --renew makes them anew, --gateway NAMESPACE/NAME adds those of a Gateway")
    if output is Output.TABLE:
        say(table(["WRITTEN", "FOR"], [[str(path), what] for path, what in written]))
        say(f"\nNow: pointsman serve --files DIR --xds 0.0.0.0:18000 --tls {root / 'server'}")
    else:
        say(dumped({"written": [{"path": str(path), "for": what} for path, what in written]}, output))


class Folder:
    def __init__(self, root: Path, wanted: Wanted) -> None:
        self._root, self._wanted, self._now = root, wanted, datetime.now(UTC)

    def make(self) -> Iterator[tuple[Path, str]]:
        """Write what is wanted and not there, or is to be made anew; gives what was written, and for whom."""
        fresh = not (self._root / CA).exists()
        identities = [self._identity(name) for name in self._wanted.gateways or ((DEMO,) if fresh else ())]
        revoked = [self._place(self._identity(name)) for name in self._wanted.revoke]
        signer, trusted = self._authority(fresh=fresh)
        if fresh or self._wanted.new_ca or self._wanted.drop_old_ca:
            yield self._root / CA, f"{len(trusted)} CA{'s' if len(trusted) > 1 else ''}, to be trusted by all"
        yield from self._revoke(revoked, signer, trusted)
        bundle = b"".join(one.public_bytes(Encoding.PEM) for one in trusted)
        yield from self._member(self._root / "server", None, signer, bundle, anew=False)
        known = {self._place(one): one for one in [*self._known(), *identities]}
        for place, one in known.items():
            yield from self._member(place, one, signer, bundle, anew=place in revoked)

    def _authority(self, *, fresh: bool) -> tuple[Pair, list[x509.Certificate]]:
        """Who signs, and who is trusted: the signer first."""
        path, key = self._root / CA, self._root / "ca.key"
        old = [] if fresh else _certificates(path)
        if fresh or self._wanted.new_ca:
            name = f"Pointsman CA {self._now:%Y-%m-%d} {x509.random_serial_number() % 0x10000:04x}"
            signer = authority(name, self._wanted.trust, self._now, CA_DAYS)
            _write(key, signer.key)
        else:
            try:
                signer = load(path.read_bytes(), key.read_bytes())
            except ValueError:
                raise Exit(2, f"{key} does not hold the key of {path}") from None
        self._check_drop(signer)
        trusted = [signer.certificate] if self._wanted.drop_old_ca else list(dict.fromkeys([signer.certificate, *old]))
        _write(path, b"".join(one.public_bytes(Encoding.PEM) for one in trusted))
        return signer, trusted

    def _check_drop(self, signer: Pair) -> None:
        for path in sorted(self._root.glob(f"**/{CERTIFICATE}")) if self._wanted.drop_old_ca and not self._wanted.renew else ():
            try:
                _certificates(path)[0].verify_directly_issued_by(signer.certificate)
            except (InvalidSignature, ValueError):
                raise Exit(2, f"--drop-old-ca: {path} is of the old one still. --renew makes it anew") from None

    def _revoke(self, places: list[Path], signer: Pair, trusted: list[x509.Certificate]) -> Iterator[tuple[Path, str]]:
        """Add the certificates in these folders to what the signer has taken back. Lists of CAs that are trusted no more go."""
        kept = [one for one in revocations(self._root / REVOKED) if one.issuer in [by.subject for by in trusted]]
        mine = {each.serial_number for one in kept if one.issuer == signer.certificate.subject for each in one}
        for place in places:
            mine.add(self._taken_back(place, signer).serial_number)
        lists = [one.public_bytes(Encoding.PEM) for one in kept if one.issuer != signer.certificate.subject]
        if mine:
            lists.append(made_revocations(signer, mine, self._now, CA_DAYS))
        for path in (self._root / REVOKED, self._root / "server" / REVOKED) if lists or (self._root / REVOKED).exists() else ():
            _write(path, b"".join(lists) or made_revocations(signer, (), self._now, CA_DAYS))
        if places:
            yield self._root / REVOKED, f"{len(mine)} taken back"

    def _taken_back(self, place: Path, signer: Pair) -> x509.Certificate:
        if not (place / CERTIFICATE).exists():
            raise Exit(2, f"--revoke: {place / CERTIFICATE} is not there")
        found = _certificates(place / CERTIFICATE)[0]
        if found.issuer != signer.certificate.subject:
            raise Exit(2, f"--revoke: {place / CERTIFICATE} is of the old CA. --renew and --drop-old-ca end it")
        return found

    def _member(self, place: Path, of: Identity | None, signer: Pair, bundle: bytes, *, anew: bool) -> Iterator[tuple[Path, str]]:
        """The server (`of` is None) or the proxies of a Gateway. Their CAs are always those of now."""
        there = (place / CERTIFICATE).exists()
        if self._wanted.renew or anew or not there:
            made = (
                client(signer, of, self._now, self._wanted.days)
                if of
                else server(signer, self._hosts(place if there else None), self._now, self._wanted.days)
            )
            _write(place / KEY, made.key)
            _write(place / CERTIFICATE, made.pem)
            yield place, str(of) if of else "the server"
        _write(place / CA, bundle)
        if of:
            for name, content in secrets(Client(str(place.absolute()))).items():
                _write(place / name, dumped(content, Output.YAML).encode() + b"\n")

    def _hosts(self, there: Path | None) -> tuple[str, ...]:
        if self._wanted.hosts or there is None:
            return self._wanted.hosts or ("localhost", "127.0.0.1", "::1")
        names = _certificates(there / CERTIFICATE)[0].extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return (*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress)))

    def _identity(self, gateway: str) -> Identity:
        namespace, _, name = gateway.partition("/")
        found = identity([str(Identity(self._wanted.trust, namespace, self._wanted.account, name))])
        if found is None:
            raise Exit(2, f"--gateway {gateway}: write NAMESPACE/NAME, as in --gateway default/edge")
        return found

    def _known(self) -> Iterator[Identity]:
        for path in sorted(self._root.glob(f"gateways/*/*/{CERTIFICATE}")):
            found = identity_of(path)
            if found:
                yield found

    def _place(self, of: Identity) -> Path:
        return self._root / "gateways" / of.namespace / of.gateway


def identity_of(path: Path) -> Identity | None:
    """Of the certificate in a file. OSError where it cannot be read."""
    from xds.security.peer import uris

    return identity(uris(_certificates(path)[0]))


def _certificates(path: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except ValueError:
        raise Exit(2, f"{path} is not a PEM certificate") from None


def _write(path: Path, content: bytes) -> None:
    """By rename: who watches never sees half of a file, and Envoy looks only when something is moved into the folder."""
    if path.exists() and path.read_bytes() == content:
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}~")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    new.replace(path)
