"""Sandboxes on a real API server: forks are made, answer, follow their baseline and go; commands see them; what is over is deleted."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.e2e.server import Server
from tests.kube.cluster.cluster import Cluster
from tests.kube.planes import SOON, Asked, permitted
from tests.ports import free_port
from tests.waiting import wait_until
from translator.resources.crd import EXAMPLE
from translator.resources.crd import definitions as definitions_of
from xds import crds, roles
from xds.bootstrap import Bootstrap, bootstrap
from xds.dataplane import Envoy, binary, modules

SHOP = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec: {gatewayClassName: sandboxes, listeners: [{name: http, port: 80, protocol: HTTP}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop}
spec:
  parentRefs: [{name: edge}]
  hostnames: [shop.example.com]
  rules: [{backendRefs: [{name: web, port: 80}]}]
---
apiVersion: pointsman.io/v1alpha1
kind: RouteGroup
metadata: {name: previews}
spec: {parentRefs: [{name: edge}], previewHosts: ["*.preview.example.com"], admission: {mode: All}}
---
apiVersion: v1
kind: Service
metadata: {name: front}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: app
        image: pointsman-echo
        env: [{name: PORT, value: "8080"}]
        ports: [{containerPort: 8080}]
        readinessProbe: {httpGet: {path: /, port: 8080}, periodSeconds: 1}
"""
CLASS = """
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: sandboxes}
spec: {controllerName: pointsman.io/gateway-controller}
"""
ALICE = """
apiVersion: pointsman.io/v1alpha1
kind: Sandbox
metadata: {name: alice}
spec:
  forks:
  - forkOf: {name: web}
    customizations:
      env: [{name: WHO, value: alice}]
      patch: {value: "spec: {template: {metadata: {labels: {app: web}, annotations: {note: patched}}}}"}
  resources: {cpu: "0.05", memory: 64Mi}
"""
DAVE = """
apiVersion: sandbox.example.com/v1alpha1
kind: Sandbox
metadata: {name: dave}
spec:
  ttl: 3600
  services: [{name: web, targetRef: {kind: Deployment, name: web}, containers: [{name: app, env: [{name: WHO, value: dave}]}]}]
"""
OPERATOR = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: signadotroutes.signadot.com}
spec:
  group: signadot.com
  names: {kind: SignadotRoute, listKind: SignadotRouteList, plural: signadotroutes, singular: signadotroute}
  scope: Namespaced
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
"""
ERIN = """
apiVersion: signadot.com/v1
kind: SignadotRoute
metadata: {{name: erin}}
spec: {{workloadID: {uid}, sandboxID: erin, static: {{endpoints: [{{address: {address}, port: 8080}}]}}}}
"""
ROLLOUTS = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: rollouts.argoproj.io}
spec:
  group: argoproj.io
  names: {kind: Rollout, listKind: RolloutList, plural: rollouts, singular: rollout}
  scope: Namespaced
  versions:
  - name: v1alpha1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
"""
API = """
apiVersion: v1
kind: Service
metadata: {name: api}
spec: {selector: {app: api, rollouts-pod-template-hash: abc}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: api}
spec:
  selector: {matchLabels: {app: api}}
  strategy: {canary: {}}
  template:
    metadata: {labels: {app: api}}
    spec: {containers: [{name: app, image: pointsman-echo, env: [{name: PORT, value: "8080"}]}]}
---
apiVersion: pointsman.io/v1alpha1
kind: Sandbox
metadata: {name: frank}
spec:
  forks:
  - forkOf: {kind: Rollout, name: api}
    customizations:
      env:
      - {name: ME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
      - {name: SELF, valueFrom: {fork: {forkOf: {kind: Rollout, name: api}, expression: "{{ .Service.Host }}:{{ .Service.Port }}"}}}
      patch:
        type: json
        value: |
          - {op: test, path: /spec/replicas, value: 1}
          - {op: replace, path: /spec/replicas, value: 0}
"""
WRONG = """
apiVersion: pointsman.io/v1alpha1
kind: Sandbox
metadata: {name: wrong}
spec: {services: []}
"""


class Shop(Asked):
    """With an Envoy at `port`."""

    port = 0

    async def who(self, key: str = "") -> str:
        """The Pod that answers."""
        headers = {"host": "shop.example.com", **({"x-route-key": key} if key else {})}
        with contextlib.suppress(aiohttp.ClientError, TimeoutError, ValueError):
            async with asyncio.timeout(3), self.session.get(f"http://127.0.0.1:{self.port}/", headers=headers) as answer:
                return str(json.loads(await answer.text())["pod"])
        return ""

    async def answers(self, prefix: str, key: str = "") -> None:
        async def holds() -> bool:
            return (await self.who(key)).startswith(prefix)

        await wait_until(holds, SOON, f"{prefix} to answer key {key or 'none'}")

    async def gone(self, *names: str) -> None:
        async def holds() -> bool:
            return not await self.kubectl("get", "--ignore-not-found", "-o", "name", *names)

        await wait_until(holds, SOON, f"{' '.join(names)} to be gone")

    async def pointsman(self, *arguments: str) -> str:
        command = [sys.executable, "-m", "xds", "sandbox", *arguments, "-n", self.namespace, "--kubeconfig", str(self.cluster.kubeconfig)]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
async def shop(cluster: Cluster, namespace: str, tmp_path: Path) -> AsyncIterator[Shop]:
    kubeconfig, port = await asyncio.to_thread(permitted, cluster), free_port()
    more = {
        "apiVersion": "v1",
        "kind": "List",
        "items": [*roles.fork_roles("default"), *roles.group_roles(EXAMPLE, "default"), *roles.signadot_roles("default")],
    }
    await asyncio.to_thread(cluster.kubectl, "apply", "--validate=false", "-f", "-", text=json.dumps(more))
    async with contextlib.AsyncExitStack() as life:
        life.push_async_callback(asyncio.to_thread, cluster.kubectl, "delete", "--ignore-not-found", "gatewayclass", "sandboxes")
        await asyncio.to_thread(cluster.kubectl, "apply", "-f", "-", text=CLASS)
        groups = ("--sandbox-group", "pointsman.io", "--sandbox-group", EXAMPLE)  # of which the second is not there yet
        options = ("--kube", "--kubeconfig", str(kubeconfig), "--forks", "--signadot", "--port-offset", str(port - 80), *groups)
        server = await life.enter_async_context(Server(None, tmp_path / "server.log", *options))
        (tmp_path / "envoy").mkdir()
        config = bootstrap(Bootstrap(xds=server.xds, node="kube", admin="127.0.0.1:0", modules=("shard",) if modules() else ()))
        envoy = Envoy(config, tmp_path / "envoy", binary())
        life.push_async_callback(envoy.stop)
        await envoy.start()
        found = Shop(cluster, namespace, await life.enter_async_context(aiohttp.ClientSession()))
        found.port = port
        yield found


@pytest.fixture
def example(cluster: Cluster, shop: Shop) -> Iterator[None]:
    """The kinds of another group are there, and were not when the server started."""
    definitions = [str(crds.OF_EXAMPLE / name) for name in definitions_of(EXAMPLE)]
    files = [word for one in definitions for word in ("-f", one)]
    cluster.kubectl("apply", "--server-side", *files)
    cluster.kubectl("apply", "-f", "-", text=f"{OPERATOR}---{ROLLOUTS}")
    yield
    cluster.kubectl("delete", "--wait=false", "crd", "signadotroutes.signadot.com", "rollouts.argoproj.io")
    cluster.kubectl("delete", "--wait=false", *files)


async def test_forks_are_made_answer_follow_their_baseline_and_go(shop: Shop, example: None) -> None:
    await shop.kubectl("apply", "-f", "-", text=f"{SHOP}---{ALICE}")
    await shop.answers("web-alice-", key="alice")
    await shop.answers("web-")
    assert "alice" not in await shop.who()
    await shop.kubectl("set", "env", "deployment/web", "BASE=changed")  # the fork follows; until then there is more to see
    await _says_so(shop)
    await _is_seen_by_commands(shop)
    await _goes_when_its_time_is_over(shop)
    await _follows(shop)
    await _is_made_of_a_rollout(shop)
    await _is_served_of_another_group(shop)
    await _is_served_of_an_operator(shop)
    await shop.kubectl("delete", "sandbox", "alice")
    await shop.gone("deployment/web-alice", "service/web-alice", "service/front-alice")


async def _says_so(shop: Shop) -> None:
    async def running() -> bool:
        status = (await shop.get("sandbox", "alice")).get("status", {})
        conditions = {one["type"]: one["status"] for one in status.get("conditions", ())}
        services = {one["name"]: one["status"] for one in status.get("services", ())}
        return (conditions, services) == ({"Forked": "True", "Ready": "True"}, {"front": "Pending", "web": "Running"})

    await wait_until(running, SOON, "alice to say that her fork is made")
    columns = (await shop.kubectl("get", "sb")).splitlines()[0].split()
    assert columns == ["NAME", "KEY", "PHASE", "READY", "AGE"]
    refused = await asyncio.to_thread(shop.cluster.kubectl, "-n", shop.namespace, "apply", "-f", "-", text=WRONG, check=False)
    assert "services or forks is needed" in refused.stderr


async def _is_seen_by_commands(shop: Shop) -> None:
    made = await shop.pointsman("create", "bob", "--from", "deploy/web", "--env", "WHO=bob", "--ttl", "8h")
    assert "pointsman sandbox url bob" in made
    await shop.answers("web-bob-", key="bob")
    listed = json.loads(await shop.pointsman("list", "-o", "json"))
    assert {one["name"]: one["services"] for one in listed} == {"alice": "front,web", "bob": "front,web"}
    assert "http://bob.preview.example.com/" in await shop.pointsman("url", "bob")

    async def mapped() -> bool:
        found = {one["service"]: one["by"] for one in json.loads(await shop.pointsman("map", "bob", "-o", "json"))}
        return found["web"] == f"Service {shop.namespace}/web-bob"

    await wait_until(mapped, SOON, "the map to show the fork")
    await shop.pointsman("delete", "bob")
    await shop.gone("sandbox/bob", "deployment/web-bob", "service/web-bob")


async def _goes_when_its_time_is_over(shop: Shop) -> None:
    await shop.pointsman("create", "carol", "--fork", "deploy/web", "--env", "WHO=carol", "--ttl", "3s")
    await shop.gone("sandbox/carol")
    await shop.gone("deployment/web-carol", "service/web-carol")


async def _is_made_of_a_rollout(shop: Shop) -> None:
    """Nobody rolls it out here, so nothing runs; what is made follows it all the same."""
    await shop.kubectl("apply", "-f", "-", text=API)

    async def made(value: str) -> bool:
        if not await shop.kubectl("get", "--ignore-not-found", "-o", "name", "deployment/api-frank"):
            return False
        spec = (await shop.get("deployment", "api-frank"))["spec"]
        env = {
            one["name"]: one.get("value") or one["valueFrom"]["fieldRef"]["fieldPath"]
            for one in spec["template"]["spec"]["containers"][0]["env"]
        }
        return (spec["replicas"], env) == (0, {"PORT": value, "ME": "metadata.name", "SELF": f"api-frank.{shop.namespace}.svc:80"})

    await wait_until(lambda: made("8080"), SOON, "the fork of a Rollout")
    change = [{"op": "replace", "path": "/spec/template/spec/containers/0/env/0/value", "value": "8081"}]
    await shop.kubectl("patch", "rollout", "api", "--type=json", "-p", json.dumps(change))
    await wait_until(lambda: made("8081"), SOON, "the fork to follow its Rollout")
    await shop.kubectl("delete", "sandbox", "frank")
    await shop.gone("deployment/api-frank", "service/api-frank")


async def _is_served_of_another_group(shop: Shop) -> None:
    await shop.kubectl("apply", "-f", "-", text=DAVE)
    await shop.answers("web-dave-", key="dave")

    async def said() -> bool:
        status = (await shop.get(f"sandboxes.{EXAMPLE}", "dave")).get("status", {})
        return {one["type"]: one["status"] for one in status.get("conditions", ())} == {"Forked": "True", "Ready": "True"}

    await wait_until(said, SOON, "dave to say that he is ready")
    await shop.kubectl("delete", f"sandboxes.{EXAMPLE}", "dave")
    await shop.gone("deployment/web-dave", "service/web-dave")


async def _is_served_of_an_operator(shop: Shop) -> None:
    """Its route leads to the Pod that is alice's."""
    uid = await shop.kubectl("get", "deployment", "web", "-o", "jsonpath={.metadata.uid}")
    pods = (await shop.get("pods", "-l", "pointsman.io/sandbox=alice"))["items"]
    address = next(one["status"]["podIP"] for one in pods if one["status"]["phase"] == "Running")
    await shop.kubectl("apply", "-f", "-", text=ERIN.format(uid=uid, address=address))
    await shop.answers("web-alice-", key="erin")
    await shop.kubectl("delete", "signadotroute", "erin")

    async def baseline() -> bool:
        return (who := await shop.who("erin")) != "" and "alice" not in who

    await wait_until(baseline, SOON, "the baseline to answer erin")


async def _follows(shop: Shop) -> None:
    """What the API server makes of what we apply is no difference, so a fork that nobody changes is not written again."""

    async def followed() -> bool:
        (container,) = (await shop.get("deployment", "web-alice"))["spec"]["template"]["spec"]["containers"]
        return {one["name"]: one["value"] for one in container["env"]} == {"PORT": "8080", "WHO": "alice", "BASE": "changed"}

    await wait_until(followed, SOON, "the fork to follow its baseline")
    fork = await shop.get("deployment", "web-alice")
    assert fork["spec"]["template"]["metadata"]["annotations"]["note"] == "patched"
    assert "app" not in fork["spec"]["template"]["metadata"]["labels"]
    assert fork["metadata"]["generation"] <= 2
