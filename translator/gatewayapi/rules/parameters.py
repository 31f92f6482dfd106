"""What is asked of data planes: by a class, by each Gateway, and which group of proxies serves a Gateway because of it.

Parameters that mean nothing never take proxies away: what runs in Pods stays as it is, and whether all Gateways of a class share
their proxies is then told by the Service that these have.
"""

from __future__ import annotations

from pydantic.alias_generators import to_camel

from translator.engine import Facts, View, rule
from translator.gatewayapi.conditions import CONTROLLER
from translator.gatewayapi.parameters import KIND, contradiction, merged, run, unknown
from translator.gatewayapi.planes import addresses, lacking, wanted
from translator.gatewayapi.tables import CLASS_STATE, FOUND, PARAMETERS, ClassState, Parameters
from translator.inputs import ENVOY_PROXY, GATEWAY, GATEWAY_CLASS, SERVICE
from translator.ir.finding import Finding, Path
from translator.ir.plane import CLASS, WAYS, Plane
from translator.ir.tables import GROUP
from translator.resources.envoyproxy import EnvoyProxySpec
from translator.resources.gateway import Gateway
from translator.resources.meta import LocalReference

LOCAL = "local"  # the proxy group of all Gateways that have none of their own
NOTHING = EnvoyProxySpec()
OF_CLASS: Path = ("spec", "parametersRef")
OF_GATEWAY: Path = ("spec", "infrastructure", "parametersRef")
STAYS = "proxies that run for it stay as they are"


@rule(over=GATEWAY_CLASS, into=(CLASS_STATE, FOUND))
def gateway_class(view: View, key: str) -> Facts:
    """A class of ours: what its parameters say, and the group of all its Gateways, if they share their proxies."""
    one = view.one(GATEWAY_CLASS, key)
    if one.spec.controller_name != CONTROLLER:
        return
    ref, spec, why = one.spec.parameters_ref, NOTHING, ""
    if ref:
        spec, why = named(view, ref, ref.namespace)
        yield from complaint("GatewayClass", key, ref, OF_CLASS, why)
    name = f"{CLASS}{key}"
    group = view.get(GROUP, name)
    shares = bool(group and group.pods and spec.merge_gateways)
    ways = spec.addresses == "PerGateway"
    if why and group:
        stands = view.get(SERVICE, shared(key, group.home).key)
        shares, ways = stands is not None, stands is not None and WAYS in stands.metadata.labels
    yield CLASS_STATE(key, ClassState(spec, why, name if shares else "", shares and ways))


def shared(gateway_class: str, home: str) -> Plane:
    """The data plane of all Gateways of a class, before it is known what they listen on."""
    return Plane(group=f"{CLASS}{gateway_class}", gateway_class=gateway_class, home=home, ports=())


def own_plane(gateway: Gateway) -> Plane:
    """The data plane of one Gateway, before it is known what it listens on."""
    return Plane(group=gateway.key, gateway_class=gateway.spec.gateway_class_name, ports=())


def named(view: View, ref: LocalReference, namespace: str) -> tuple[EnvoyProxySpec, str]:
    """What the parameters say; or nothing, and why."""
    if why := unknown(ref):
        return NOTHING, why
    if not namespace:
        return NOTHING, f"parametersRef names {KIND} {ref.name} without its namespace"
    found = view.get(ENVOY_PROXY, f"{namespace}/{ref.name}")
    if found is None:
        return NOTHING, f"{KIND} {namespace}/{ref.name} does not exist"
    return found.spec, contradiction(found.spec)


def complaint(kind: str, key: str, ref: LocalReference, path: Path, why: str) -> Facts:
    if why:
        code, fix = ("PM0308", f"name an {KIND}, or remove parametersRef") if unknown(ref) else ("PM0320", "")
        yield FOUND((kind, key), Finding(code=code, kind=kind, key=key, message=f"{why}; {STAYS}", path=path, fix=fix))


@rule(over=GATEWAY, into=(PARAMETERS, FOUND))
def parameters(view: View, key: str) -> Facts:
    """Of a Gateway of ours. One with bad parameters is served only where proxies of its own run already: none are made for it."""
    one = view.one(GATEWAY, key)
    of_class = view.get(CLASS_STATE, one.spec.gateway_class_name)
    own = view.get(GROUP, key)
    pods = bool(own and own.pods)
    if of_class is None or (of_class.problem and not pods):
        return  # of another controller, or of a class that is not accepted: its own status says why
    group = of_class.group or (key if own else LOCAL)
    ref = one.spec.infrastructure.parameters_ref if one.spec.infrastructure else None
    spec, why = (NOTHING, "") if ref is None else said_over(view, one, ref, of_class)
    if ref:
        yield from complaint("Gateway", key, ref, OF_GATEWAY, why)
    if of_class.group and not of_class.ways:
        yield from unheard(one)
    alone = pods and not of_class.group
    class_says = f"GatewayClass {one.spec.gateway_class_name}: {of_class.problem}" if of_class.problem else ""
    problem = "; ".join(filter(None, (why, class_says)))
    reached = not of_class.group or of_class.ways or not lacking(shared_addresses(view, one, of_class.group), wanted(one))
    how = run(of_class.spec if why or of_class.problem else merged(of_class.spec, spec))
    stands = alone and view.get(SERVICE, own_plane(one).key) is not None if why else True
    yield PARAMETERS(key, Parameters(group, how, problem, serves=stands, reached=reached, ways=of_class.ways))


def said_over(view: View, gateway: Gateway, ref: LocalReference, of_class: ClassState) -> tuple[EnvoyProxySpec, str]:
    """What the Gateway says over its class; or nothing, and why not."""
    spec, why = named(view, ref, gateway.namespace)
    if not why and of_class.group:
        why = f"GatewayClass {gateway.spec.gateway_class_name} has one set of proxies for all its Gateways, which alone it may change"
    for word in ("merge_gateways", "addresses"):
        if not why and getattr(spec, word) is not None:
            why = f"{to_camel(word)} is for the parameters of a GatewayClass"
    return spec, why or contradiction(merged(of_class.spec, spec))


def unheard(gateway: Gateway) -> Facts:
    """What one Gateway says of proxies that are not its own (`GatewayInfrastructure`): told, and passed over."""
    told = gateway.spec.infrastructure
    for word in ("labels", "annotations"):
        if told and getattr(told, word):
            message = f"{word} have no effect on proxies that all Gateways of the class share"
            path = ("spec", "infrastructure", word)
            yield FOUND(("Gateway", gateway.key), finding(gateway, message, path, "give them in the EnvoyProxy of the class"))


def finding(gateway: Gateway, message: str, path: Path, fix: str) -> Finding:
    return Finding(code="PM0321", kind="Gateway", key=gateway.key, message=message, path=path, fix=fix, severity="warning")


def shared_addresses(view: View, gateway: Gateway, group: str) -> tuple[str, ...]:
    """Those of the proxies that it shares, if it asks for any."""
    row = view.get(GROUP, group) if wanted(gateway) else None
    service = view.get(SERVICE, shared(gateway.spec.gateway_class_name, row.home).key) if row else None
    return tuple(one.value for one in addresses(service, ()))


RULES = (gateway_class, parameters)
