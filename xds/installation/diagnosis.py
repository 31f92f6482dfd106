"""What is wrong with an installation, each in one line with what mends it. Pure: looks at what was seen, and asks nobody."""

from __future__ import annotations

from base64 import b64decode
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta

from cryptography.x509 import Certificate, load_pem_x509_certificates

from translator.ir.finding import Finding
from translator.planes.manifests import CLASS_LABEL, LABEL, SHARED_LABEL
from xds.installation.examining import Seen, arguments
from xds.installation.manifests import NAME, NAMESPACE, Json, definitions
from xds.installation.state import bundle, condition, endpoints, holds, is_newer, name_of, ours, trouble, unavailable

OLDEST = (1, 31)  # of Kubernetes: the definitions ask for isIP, which came with it
CLOCKS = timedelta(seconds=30)  # between two clocks
ENDING = timedelta(days=7)  # of a certificate: they are made anew ten days before
LATE = timedelta(seconds=30)  # for the holder of the Lease to renew it
SEVERITY = {"error": 0, "warning": 1}


def findings(seen: Seen) -> list[Finding]:
    """The worst first."""
    found = [one for look in LOOKS for one in look(seen)]
    return sorted(found, key=lambda one: (SEVERITY.get(one.severity, 2), one.code, one.key))


def _finding(code: str, kind: str, key: str, message: str, fix: str, *, warning: bool = False) -> Finding:
    return Finding(code=code, kind=kind, key=key, message=message, fix=fix, severity="warning" if warning else "error")


def _of_server(seen: Seen) -> Iterator[Finding]:
    """Kubernetes itself."""
    digits = tuple(int("".join(filter(str.isdigit, str(seen.version.get(part, "")))) or 0) for part in ("major", "minor"))
    if digits > (0, 0) and digits < OLDEST:
        text = f"Kubernetes {digits[0]}.{digits[1]} does not know what the definitions ask for"
        yield _finding("PM0902", "", "", text, f"use {OLDEST[0]}.{OLDEST[1]} or newer")
    if abs(seen.now - seen.here) > CLOCKS:
        yield _clock("this machine", seen.here, seen.now)


def _clock(whose: str, theirs: datetime, now: datetime) -> Finding:
    seconds = (theirs - now).total_seconds()
    text = f"the clock of {whose} is {abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'} that of the API server"
    return _finding("PM0911", "", "", text, "synchronise it: certificates are not good before their time")


def _of_definitions(seen: Seen) -> Iterator[Finding]:
    for one in definitions():
        there, shipped = seen.definitions.get(one.name), one.document
        if there is None:
            yield _finding("PM0903", one.kind, one.name, "the cluster does not have it", "pointsman install")
        elif not holds(there, "Established") and there is not shipped:
            why = condition(there, "NamesAccepted").get("message") or condition(there, "Established").get("message") or "it is new"
            yield _finding("PM0903", one.kind, one.name, f"the API server does not serve it: {why}", "remove what has its names")
        elif is_newer(there, shipped):
            text = f"it is of {bundle(there)}; this version was made for {bundle(shipped)}"
            yield _finding("PM0904", one.kind, one.name, text, "fields that are new there have no effect", warning=True)
        elif _schemas(there) != _schemas(shipped):
            text = f"it is of {bundle(there) or 'another version'}; this version was made for {bundle(shipped) or 'what it ships'}"
            yield _finding("PM0904", one.kind, one.name, text, "pointsman install", warning=True)


def _schemas(definition: Json) -> dict[str, list[str]]:
    """What can be compared of two definitions, whatever an API server adds to them: fields by path, of each version served."""
    return {
        one["name"]: sorted(_fields((one.get("schema") or {}).get("openAPIV3Schema") or {}, ""))
        for one in definition["spec"]["versions"]
        if one["served"]
    }


def _fields(schema: Json, path: str) -> Iterator[str]:
    for name, below in (schema.get("properties") or {}).items():
        yield f"{path}.{name}"
        yield from _fields(below, f"{path}.{name}")
    if isinstance(items := schema.get("items"), dict):
        yield from _fields(items, f"{path}[]")


def _of_deployment(seen: Seen) -> Iterator[Finding]:
    where = f"{NAMESPACE}/{NAME}"
    if seen.deployment is None:
        if not any("deployments" in one for one in seen.hidden):
            yield _finding("PM0905", "Deployment", where, "the server is not installed", "pointsman install")
        return
    if missing := unavailable(seen.deployment):
        why = dict.fromkeys(filter(None, map(trouble, seen.pods)))
        told = "; ".join(why) if why else "no Pod is there"
        yield _finding("PM0906", "Deployment", where, f"{missing}: {told}", _advice(told))
    elif not endpoints(seen.slices):
        text = "the Service has no endpoint that is ready, so no proxy finds the server"
        yield _finding("PM0916", "Service", where, text, f"its selector must be app.kubernetes.io/name={NAME}: pointsman install")


def _advice(why: str) -> str:
    """What to do where a Pod does not run."""
    for words, fix in ADVICE.items():
        if any(one in why for one in words.split()):
            return fix
    return f"kubectl -n {NAMESPACE} describe pods; kubectl -n {NAMESPACE} logs deployment/{NAME}"


ADVICE = {
    "ErrImagePull ImagePullBackOff InvalidImageName ErrImageNeverPull": "name one that nodes can pull: pointsman install --image IMAGE",
    "Unschedulable Insufficient": "give the cluster a node with room for it",
    "CreateContainerConfigError": "create what the Pod refers to",
    "no Pod": f"kubectl -n {NAMESPACE} get events: a quota or an admission webhook is in the way",
}


def _of_rights(seen: Seen) -> Iterator[Finding]:
    """One for each resource."""
    lacking: dict[tuple[str, str], list[str]] = defaultdict(list)
    for group, resource, verb in seen.lacking:
        lacking[group, resource].append(verb)
    for (group, resource), verbs in sorted(lacking.items()):
        name = f"{resource}.{group}" if group else resource
        yield _finding("PM0907", "ClusterRole", name, f"the server may not {', '.join(verbs)} {name}", "pointsman install")


def _of_election(seen: Seen) -> Iterator[Finding]:
    if seen.deployment is None or unavailable(seen.deployment):
        return
    spec: Json = (seen.lease or {}).get("spec") or {}
    renewed = _time(spec.get("renewTime", ""))
    if not spec.get("holderIdentity") or renewed is None or seen.now - renewed > LATE:
        text = "no replica holds the Lease, so no status is written and no proxy is made"
        yield _finding("PM0910", "Lease", f"{NAMESPACE}/{NAME}", text, f"kubectl -n {NAMESPACE} logs deployment/{NAME}")
    elif renewed - seen.now > CLOCKS:
        yield _clock("the node of the leading replica", renewed, seen.now)


def _time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _of_classes(seen: Seen) -> Iterator[Finding]:
    mine = [one for one in seen.classes if ours(one)]
    served = seen.definitions.get("gatewayclasses.gateway.networking.k8s.io") is not None
    if not mine and served and not any("gatewayclasses" in one for one in seen.hidden):
        yield _finding("PM0908", "GatewayClass", NAME, "no GatewayClass names this controller", "pointsman install")
    for one in mine:
        if not holds(one, "Accepted"):
            said = condition(one, "Accepted")
            text = f"it is not accepted: {said['message']}" if said.get("status") == "False" else "no server has accepted it"
            yield _finding("PM0909", "GatewayClass", name_of(one), text, "see the findings about the server")


def _of_gateways(seen: Seen) -> Iterator[Finding]:
    mine = {one["metadata"]["name"] for one in seen.classes if ours(one)}
    for one in seen.gateways:
        if one["spec"]["gatewayClassName"] in mine:
            yield from _of_gateway(seen, one)


def _of_gateway(seen: Seen, gateway: Json) -> Iterator[Finding]:
    pods = [one for one in seen.proxies if _belongs(one, gateway)]
    if why := dict.fromkeys(filter(None, map(trouble, pods))):
        count = sum(1 for one in pods if trouble(one))
        text = f"{count} of {len(pods)} proxies are not ready: {'; '.join(why)}"
        yield _finding(
            "PM0914", "Gateway", name_of(gateway), text, _advice("; ".join(why)).replace(NAMESPACE, gateway["metadata"]["namespace"])
        )
    for one in seen.services:
        if _belongs(one, gateway) and _waits(one):
            text = f"the Service {one['metadata']['name']} of type LoadBalancer has no address"
            fix = "give the cluster something that assigns addresses (a cloud's controller, MetalLB), or name one in spec.addresses"
            yield _finding("PM0913", "Gateway", name_of(gateway), text, fix)


def _belongs(one: Json, gateway: Json) -> bool:
    """Whether it is of the proxies of this Gateway, or of those of its whole class."""
    labels = one["metadata"].get("labels") or {}
    if SHARED_LABEL in labels:
        return bool(labels.get(CLASS_LABEL) == gateway["spec"]["gatewayClassName"])
    return (one["metadata"]["namespace"], labels.get(LABEL)) == (gateway["metadata"]["namespace"], gateway["metadata"]["name"])


def _waits(service: Json) -> bool:
    """For an address."""
    given = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress")
    return service["spec"].get("type") == "LoadBalancer" and not given


def _of_certificates(seen: Seen) -> Iterator[Finding]:
    for name, one in sorted(seen.certificates.items()):
        begins, ends = one.not_valid_before_utc, one.not_valid_after_utc
        if begins > seen.now:
            yield _finding(
                "PM0912", "Secret", name, f"its certificate is good from {begins:%Y-%m-%d %H:%M} UTC on only", "correct the clocks"
            )
        elif ends < seen.now + ENDING:
            text = f"its certificate {'ended' if ends < seen.now else 'ends'} on {ends:%Y-%m-%d %H:%M} UTC"
            yield _finding("PM0912", "Secret", name, text, f"remove the Secret, then restart deployment/{NAME}: both are made anew")


def _of_webhook(seen: Seen) -> Iterator[Finding]:
    """Pods are made whatever is wrong with it, so nobody else would tell."""
    if seen.webhook is None:
        return
    if seen.deployment and not any(one.startswith("--webhook") for one in arguments(seen.deployment)):
        text = "the API server asks about new Pods, and the server is not told to answer"
        fix = f"pointsman install --webhook, or kubectl delete mutatingwebhookconfiguration {NAME}"
        yield _finding("PM0917", "MutatingWebhookConfiguration", NAME, text, fix)
        return
    own = seen.certificates.get(f"{NAMESPACE}/pointsman-ca")
    bundles = {one["clientConfig"].get("caBundle", "") for one in seen.webhook.get("webhooks") or []}
    for why in sorted(filter(None, (_distrust(one, own, seen.now) for one in bundles))):
        text = f"Pods are made without sidecars, for the API server does not trust the server: {why}"
        yield _finding(
            "PM0917", "MutatingWebhookConfiguration", NAME, text, f"kubectl -n {NAMESPACE} logs deployment/{NAME}: its leader writes it"
        )


def _distrust(bundle: str, own: Certificate | None, now: datetime) -> str:
    """Why a caBundle is none for a server whose CA is `own`, where that is known; or nothing."""
    try:
        trusted = load_pem_x509_certificates(b64decode(bundle)) if bundle else []
    except ValueError:
        trusted = []
    if not trusted:
        return "its caBundle is empty"
    if own and own not in trusted:
        return "its caBundle is of another CA"
    return "" if any(one.not_valid_after_utc > now for one in trusted) else "its caBundle has ended"


def _of_hidden(seen: Seen) -> Iterator[Finding]:
    for one in seen.hidden:
        yield _finding("PM0915", "", "", f"could not be looked at: {one}", "ask somebody who may", warning=True)


LOOKS = (
    _of_server, _of_definitions, _of_deployment, _of_rights, _of_election, _of_classes, _of_gateways, _of_certificates, _of_webhook,
    _of_hidden,
)  # fmt: skip
