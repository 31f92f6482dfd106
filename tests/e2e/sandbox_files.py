"""What else says that keys are read, in the folder of `test_sandboxes`: the `config.yaml` of the routing proxy, a ListenerSet, and
endpoints that lead to a Service.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.e2e.sandbox_looks import Asked, talk

CONFIG = """
server: {{httpPort: {http}, grpcPort: {grpc}, metricsPort: 9090}}
routing:
  routeKeyHeader: X-Shop-Key
  defaultTarget: http://127.0.0.1:{default}
  rules:
  - routeKey: alice
    targetService: http://127.0.0.1:{first}
    pathPrefixes: [/checkout, /cart]
    headerMatchers: {{X-Version: v2}}
    additionalHeaders: {{X-Env: alice}}
  - {{routeKey: alice, targetService: "127.0.0.1:{second}", pathPrefixes: [/]}}
  - {{routeKey: calls, targetService: "127.0.0.1:{calls}"}}
"""
LISTENERS = """
apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata: {{name: more}}
spec: {{parentRef: {{name: edge}}, listeners: [{{name: more, port: {port}, protocol: HTTP}}]}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: more}}
spec:
  parentRefs: [{{kind: ListenerSet, name: more}}]
  hostnames: [b.example.com]
  rules: [{{backendRefs: [{{name: b, port: 80}}]}}]
---
apiVersion: pointsman.io/v1alpha1
kind: RouteGroup
metadata: {{name: more}}
spec:
  parentRefs: [{{kind: ListenerSet, name: more}}]
  admission: {{mode: All, wrong: Strip}}
  routingKeyHeader: X-More-Key
  routes: [{{targetSandbox: alice, routingKey: alice}}]
"""
LINKS = """
  {name: link, target: "http://a.default.svc:80", routingKey: alice}, {name: calls, target: "grpc://g:80", routingKey: streams},
  {name: behind, hostname: behind.example.com, target: "http://c", routingKey: alice},
  {name: gone, hostname: gone.example.com, target: "http://gone:80", routingKey: alice}
"""


async def look_at_configuration(ask: Asked, ports: Mapping[str, int]) -> None:
    """Of the routing proxy: the first rule that fits decides, and whatever none fits goes to the default target."""
    key, version = ("X-Shop-Key", "alice"), ("X-Version", "v2")
    for headers, path, wanted in (
        ([], "/checkout", "default"),
        ([key, version], "/checkout/now", "first+alice"),
        ([key, version], "/cart", "first+alice"),
        ([("X-Route-Key", "alice"), version], "/cart", "first+alice"),
        ([key, version], "/checkouts", "second"),
        ([key], "/checkout", "second"),
        ([("X-Shop-Key", "bob"), version], "/checkout", "default"),
        ([version], "/checkout", "default"),
    ):
        found = await ask(ports["http"], "any.example.com", headers, path)
        assert found == (200, wanted), (headers, path)
    await talk(ports["grpc"], "g-fork", ("x-shop-key", "calls"))


async def look_at_listener_set(ask: Asked, port: int) -> None:
    """A RouteGroup that names a ListenerSet decides for its listeners, and not for those of the Gateway."""
    for headers, wanted in (
        ([("X-More-Key", "alice")], "b-alice>c"),
        ([("X-Route-Key", "alice")], "b-alice>c"),
        ([("X-Route-Key", "both")], "b>c-bob"),  # it names alice alone; what follows is asked of the Gateway, where all are
        ([("X-Route-Key", "alice"), ("X-More-Key", "bob")], "b>c"),
        ([], "b>c"),
    ):
        assert await ask(port, "b.example.com", headers) == (200, wanted), headers


async def look_at_links(ask: Asked, port: int, other: int) -> None:
    """No route serves these hosts, and each has its key, at the listeners of the RouteGroup and at no other."""
    link = "link--previews.preview.example.com"
    assert await ask(port, link) == (200, "a>b-alice>c")
    assert (await ask(port, link, [("X-Route-Key", "bob")]))[0] == 400
    assert await ask(other, link) == (200, "a>b>c"), "what a route for all previews has there"
    assert (await ask(port, "gone.example.com"))[0] == 500
    assert await ask(port, "behind.example.com") == (200, "c")
    assert (await ask(other, "behind.example.com"))[0] == 404
    await talk(port, "g-fork", authority="calls--previews.preview.example.com")
