"""What the server asks to be allowed: what it does, and nothing beside."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from xds import crds, roles
from xds.sources.kube.kinds import watched
from xds.sources.kube.rights import Right

KINDS = watched(crds.shipped())
KIND = ("sandboxes", "routegroups", "localworkloads")


def allowed() -> set[Right]:
    return {
        (group, resource, verb)
        for role in roles.roles()
        for one in role.get("rules", ())
        for group in one["apiGroups"]
        for resource in one["resources"]
        for verb in one["verbs"]
    }


def test_every_kind_that_is_taken_in_may_be_read() -> None:
    assert {(kind.group, kind.plural, verb) for kind in KINDS for verb in ("list", "watch")} <= allowed()


def test_objects_are_asked_for_by_name_only_where_somebody_does() -> None:
    asked = {(group, resource) for group, resource, verb in allowed() if verb == "get"}
    assert {(kind.group, kind.plural) for kind in KINDS if kind.reports or kind.on_demand} <= asked
    assert not asked & {("", "services"), ("", "namespaces"), ("", "serviceaccounts"), ("discovery.k8s.io", "endpointslices")}


def test_statuses_may_be_written_and_what_they_are_of_may_not() -> None:
    gateway_api = {right for right in allowed() if right[0] in ("gateway.networking.k8s.io", "pointsman.io")}
    over = {("sandboxes", "delete"), ("routegroups", "delete")}  # those that end by themselves, and say so
    written = {(resource, verb) for _, resource, verb in gateway_api if verb not in ("get", "list", "watch")} - over
    assert {verb for _, verb in written} == {"update"}
    assert {resource.partition("/")[2] for resource, _ in written} == {"status", "finalizers"}
    assert ("httproutes/status", "update") in written
    assert ("referencegrants/status", "update") not in written


def test_nothing_is_allowed_by_wildcard_and_nobody_may_raise_himself() -> None:
    assert not any("*" in right for one in allowed() for right in one)
    assert not any(verb in ("bind", "escalate", "impersonate", "deletecollection") for _, _, verb in allowed())
    assert not any(group == "rbac.authorization.k8s.io" for group, _, _ in allowed())


def test_election_is_held_in_one_namespace_only() -> None:
    kinds = [one["kind"] for one in yaml.safe_load_all(roles.text())]
    assert kinds == ["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"]
    cluster, _, home, _ = yaml.safe_load_all(roles.text())
    assert not any("leases" in one["resources"] for one in cluster["rules"])
    assert home["rules"] == [{"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create", "get", "update"]}]


def test_same_rights_are_said_the_same_in_any_order_and_once() -> None:
    rights = [("", "pods", "get"), ("", "nodes", "get"), ("", "pods", "list"), ("", "nodes", "list"), ("apps", "deployments", "get")]
    said = roles.rules(rights)
    assert said == roles.rules(reversed([*rights, *rights]))
    assert said == [
        {"apiGroups": [""], "resources": ["nodes", "pods"], "verbs": ["get", "list"]},
        {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get"]},
    ]


def test_only_virtual_services_of_users_may_be_replaced() -> None:
    [role] = [one for one in roles.mesh_roles() if "rules" in one]
    assert [one["resources"] for one in role["rules"] if "update" in one["verbs"]] == [["virtualservices"]]


def test_virtual_services_are_followed_and_routes_of_the_gateway_api_are_by_the_other_role() -> None:
    [role] = [one for one in roles.mesh_roles() if "rules" in one]
    assert [one["resources"] for one in role["rules"] if "watch" in one["verbs"]] == [["virtualservices"]]
    assert {("gateway.networking.k8s.io", plural, "watch") for plural in ("httproutes", "grpcroutes")} <= allowed()


@pytest.mark.parametrize("path", roles.files(), ids=lambda path: path.parent.name)
def test_every_file_is_fresh(path: Path) -> None:
    assert path.read_text() == roles.files()[path], "run `make roles`"


def test_all_files_are_written(tmp_path: Path) -> None:
    roles.write(tmp_path)
    assert {one.read_text() for one in tmp_path.rglob("*roles.yaml")} == {one.read_text() for one in roles.files()}


def test_another_group_is_no_wider_than_ours() -> None:
    [role] = [one for one in roles.group_roles("previews.example.org") if "rules" in one]
    theirs = {(resource, verb) for one in role["rules"] for resource in one["resources"] for verb in one["verbs"]}
    assert {one["apiGroups"][0] for one in role["rules"]} == {"previews.example.org"}
    assert theirs == {(resource, verb) for group, resource, verb in allowed() if group == "pointsman.io" and resource.split("/")[0] in KIND}


def test_forks_ask_for_no_more_than_deployments_and_services() -> None:
    [role] = [one for one in roles.fork_roles() if "rules" in one]
    verbs = {resource: {*one["verbs"]} for one in role["rules"] for resource in one["resources"]}
    assert verbs.keys() == {"deployments", "services", "rollouts"}
    assert verbs.pop("rollouts") == {"list", "watch"}
    assert set().union(*verbs.values()) == {"create", "delete", "list", "patch", "watch"}


def test_of_the_configurations_of_webhooks_only_our_own_may_be_changed() -> None:
    [role] = [one for one in roles.webhook_roles() if "rules" in one]
    [said] = [one for one in role["rules"] if "mutatingwebhookconfigurations" in one["resources"]]
    assert (said["resourceNames"], said["verbs"]) == (["pointsman"], ["get", "patch"])
    assert not any("delete" in one["verbs"] or "list" in one["verbs"] for one in role["rules"])
