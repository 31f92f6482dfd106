"""What the server must be allowed in a cluster: made from what it watches and writes, so that no role says more or less.

Pure. `make roles` writes it to deploy/base; a test holds the file to it, and the tests on a real API server run under it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from translator.planes.manifests import KINDS, SOMETIMES
from translator.resources.crd import EXAMPLE, GROUP
from xds import crds
from xds.forks.difference import KINDS as COPIED
from xds.forks.drawing import ROLLOUTS
from xds.mesh.difference import PLURALS
from xds.removal import PLURALS as REMOVED
from xds.sources.kube import signadot
from xds.sources.kube.kinds import Watched, watched
from xds.sources.kube.rights import Right
from xds.webhook.writer import CONFIGURATION, CONFIGURATIONS

Json = dict[str, Any]
NAME = "pointsman"
PLACE = Path(__file__).parent.parent / "deploy" / "base" / "roles.yaml"
MESH = PLACE.parent.parent / "mesh" / "roles.yaml"
FORKS = PLACE.parent.parent / "forks" / "roles.yaml"
SIGNADOT = PLACE.parent.parent / "signadot" / "roles.yaml"
EXAMPLES = crds.OF_EXAMPLE / "roles.yaml"
CHART = PLACE.parent.parent / "helm" / "pointsman" / "templates" / "roles.yaml"
WEBHOOK = PLACE.parent.parent / "components" / "webhook" / "roles.yaml"
OF_CHART, OF_RANGE = "{{ .Release.Namespace }}", "{{ $.Release.Namespace }}"
FOLLOWED = ("list", "watch")
APPLIED = ("list", "create", "patch", "delete")  # and what is applied is listed, to be removed
LOOKED_AT = ("Secret", *SOMETIMES)  # of data planes: what is asked for by name before it is changed


def everywhere(kinds: Iterable[Watched]) -> Iterator[Right]:
    """In all namespaces."""
    for kind in kinds:
        yield from ((kind.group, kind.plural, verb) for verb in FOLLOWED)
        if kind.reports or kind.on_demand:  # asked for by name: to say something of it, or because something refers to it
            yield kind.group, kind.plural, "get"
        if kind.reports:
            yield kind.group, f"{kind.plural}/status", "update"
    yield from ((GROUP, plural, "delete") for plural in REMOVED.values())  # when their time is over
    yield "apiextensions.k8s.io", "customresourcedefinitions", "get"
    yield from (("", "events", verb) for verb in ("get", "create", "update"))
    for made, (version, plural) in KINDS.items():
        verbs = (*APPLIED, "watch", "get") if made in LOOKED_AT else (*APPLIED, "watch")
        yield from ((version.rpartition("/")[0], plural, verb) for verb in verbs)
    for owner in ("gateways", "gatewayclasses"):  # where an owner that blocks must be ours to block
        yield "gateway.networking.k8s.io", f"{owner}/finalizers", "update"


def at_home() -> Iterator[Right]:
    """In the namespace of the server: the election."""
    yield from (("coordination.k8s.io", "leases", verb) for verb in ("get", "create", "update"))


def in_meshes() -> Iterator[Right]:
    """In all namespaces too, for those who switch it on: the objects of meshes."""
    for version, plural in PLURALS.values():
        yield from ((version.rpartition("/")[0], plural, verb) for verb in APPLIED)
    # Those of users, which our routes are put into. Routes of the Gateway API are followed as inputs
    yield from (("networking.istio.io", "virtualservices", verb) for verb in ("update", "watch"))


def of_forks() -> Iterator[Right]:
    """In all namespaces too, for those who switch it on: the forks that Sandboxes declare."""
    for version, plural in COPIED.values():
        yield from ((version.rpartition("/")[0], plural, verb) for verb in (*APPLIED, "watch"))
    for version, plural in ROLLOUTS.values():
        yield from ((version.rpartition("/")[0], plural, verb) for verb in FOLLOWED)


def of_group(group: str) -> Iterator[Right]:
    """In all namespaces too, for those who have Sandboxes in a group of their own."""
    for kind in watched(crds.shipped(), (group,)):
        if kind.group == group:
            yield from ((group, kind.plural, verb) for verb in (*FOLLOWED, "get"))
            yield group, f"{kind.plural}/status", "update"
    yield from ((group, plural, "delete") for plural in REMOVED.values())


def of_signadot() -> Iterator[Right]:
    """In all namespaces too, for those who switch it on: what an operator of Signadot made is read, and nothing is written."""
    yield from ((kind.group, kind.plural, verb) for kind in signadot.kinds() for verb in FOLLOWED)


def rules(rights: Iterable[Right]) -> list[Json]:
    """The shortest list that says the same, in an order that does not depend on theirs."""
    verbs: dict[tuple[str, str], set[str]] = defaultdict(set)
    for group, resource, verb in rights:
        verbs[group, resource].add(verb)
    alike: dict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
    for (group, resource), found in sorted(verbs.items()):
        alike[group, tuple(sorted(found))].append(resource)
    return [{"apiGroups": [group], "resources": resources, "verbs": list(found)} for (group, found), resources in alike.items()]


def roles(namespace: str = "pointsman-system", account: str = NAME) -> list[Json]:
    """A ClusterRole and a Role, bound to the account of the server."""
    subjects = [{"kind": "ServiceAccount", "name": account, "namespace": namespace}]
    found = []
    for prefix, rights in (("Cluster", everywhere(watched(crds.shipped()))), ("", at_home())):
        place = {} if prefix else {"namespace": namespace}
        head = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": f"{prefix}Role", "metadata": {"name": NAME, **place}}
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": f"{prefix}Role", "name": NAME}
        found += [{**head, "rules": rules(rights)}, {**head, "kind": f"{prefix}RoleBinding", "roleRef": reference, "subjects": subjects}]
    return found


def mesh_roles(namespace: str = "pointsman-system", account: str = NAME) -> list[Json]:
    """A ClusterRole beside the other, for `--mesh`."""
    return _beside(f"{NAME}-mesh", rules(in_meshes()), namespace, account)


def fork_roles(namespace: str = "pointsman-system", account: str = NAME) -> list[Json]:
    """A ClusterRole beside the other, for `--forks`."""
    return _beside(f"{NAME}-forks", rules(of_forks()), namespace, account)


def group_roles(group: str, namespace: str = "pointsman-system", account: str = NAME) -> list[Json]:
    """A ClusterRole beside the other, for `--sandbox-group`."""
    return _beside(f"{NAME}-{group}", rules(of_group(group)), namespace, account)


def signadot_roles(namespace: str = "pointsman-system", account: str = NAME) -> list[Json]:
    """A ClusterRole beside the other, for `--signadot`."""
    return _beside(f"{NAME}-signadot", rules(of_signadot()), namespace, account)


def webhook_roles(namespace: str = "pointsman-system", account: str = NAME) -> list[Json]:
    """A ClusterRole beside the other, for `--webhook`: what sidecars start with, and of the configurations of webhooks our own."""
    verbs = {"services": ("get",), "configmaps": ("create", "patch"), "secrets": ("get", "create", "patch")}
    said = rules(("", plural, verb) for plural, those in verbs.items() for verb in those)
    own = {"apiGroups": [CONFIGURATIONS.split("/")[2]], "resources": [CONFIGURATIONS.rpartition("/")[2]]}
    said.append({**own, "resourceNames": [CONFIGURATION], "verbs": ["get", "patch"]})
    return _beside(f"{NAME}-webhook", said, namespace, account)


def _beside(name: str, said: list[Json], namespace: str, account: str) -> list[Json]:
    head = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": name}}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}
    subjects = [{"kind": "ServiceAccount", "name": account, "namespace": namespace}]
    return [
        {**head, "kind": "ClusterRole", "rules": said},
        {**head, "kind": "ClusterRoleBinding", "roleRef": reference, "subjects": subjects},
    ]


def text(documents: Iterable[Json] = ()) -> str:
    """A file, whole."""
    return "# Written by `make roles` from what the server watches and writes.\n" + "---\n".join(map(crds.plain, documents or roles()))


def write(place: Path = PLACE.parent.parent) -> None:
    """What `make roles` does. `place` is deploy/."""
    for path, content in files().items():
        to = place / path.relative_to(PLACE.parent.parent)
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_text(content)


def files() -> dict[Path, str]:
    """Each file of roles, and what it says."""
    said = {
        PLACE: roles(), MESH: mesh_roles(), FORKS: fork_roles(), EXAMPLES: group_roles(EXAMPLE),
        SIGNADOT: signadot_roles(), WEBHOOK: webhook_roles(),
        CHART: roles(OF_CHART),
    }  # fmt: skip
    options = {"webhook": webhook_roles, "mesh": mesh_roles, "forks": fork_roles, "signadot": signadot_roles}
    of_chart = {
        CHART.with_name(f"{name}-roles.yaml"): f"{{{{- if .Values.{name} }}}}\n{text(made(OF_CHART))}{{{{- end }}}}\n"
        for name, made in options.items()
    }
    of_chart[CHART.with_name("group-roles.yaml")] = _of_groups()
    return {path: text(documents) for path, documents in said.items()} | of_chart


def _of_groups() -> str:
    """Of the chart: a role for each group that is not our own."""
    each = text(group_roles("{{ . }}", OF_RANGE))
    return f'{{{{- range .Values.sandboxGroups }}}}{{{{- if ne . "{GROUP}" }}}}\n---\n{each}{{{{- end }}}}{{{{- end }}}}\n'
