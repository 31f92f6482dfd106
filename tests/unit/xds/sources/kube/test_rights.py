"""Which right is missing is read from what an API server says; other refusals are for others to tell."""

from __future__ import annotations

import pytest

from tests.unit.xds.sources.kube.lines import body, status
from xds.sources.kube.rights import Right, Rights

LEASES = "/apis/coordination.k8s.io/v1/namespaces/a/leases"


def forbidden(right: Right) -> bytes:
    """As kube-apiserver 1.36 says it."""
    group, resource, verb = right
    name = f"{resource}.{group}" if group else resource
    said = f'{name} "x" is forbidden: User "u" cannot {verb} resource "{resource}" in API group "{group}" in the namespace "a"'
    return body(status(403, said))


def lacking(right: Right) -> Rights:
    rights = Rights()
    rights.answered("GET", "/anything", 403, forbidden(right))
    return rights


def test_right_that_is_refused_is_a_finding_that_says_how_to_mend_it() -> None:
    (found,) = lacking(("coordination.k8s.io", "leases", "create")).findings()
    assert (found.code, found.message) == ("PM0137", "the API server does not let us create leases.coordination.k8s.io")
    assert "pointsman install" in found.fix


def test_kinds_of_kubernetes_itself_have_no_group() -> None:
    assert lacking(("", "secrets", "get")).findings()[0].key == "get secrets"


@pytest.mark.parametrize(
    ("right", "method", "path", "code"),
    [
        (("", "secrets", "get"), "GET", "/api/v1/namespaces/a/secrets/s", 200),
        (("", "secrets", "list"), "GET", "/api/v1/namespaces/a/secrets", 200),
        (("", "secrets", "list"), "GET", "/api/v1/secrets", 200),
        (("", "namespaces", "get"), "GET", "/api/v1/namespaces/a", 200),
        (("", "namespaces", "list"), "GET", "/api/v1/namespaces", 200),
        (("coordination.k8s.io", "leases", "create"), "POST", LEASES, 201),
        (("coordination.k8s.io", "leases", "create"), "POST", LEASES, 409),
        (("coordination.k8s.io", "leases", "get"), "GET", f"{LEASES}/l", 404),
        (("coordination.k8s.io", "leases", "update"), "PUT", f"{LEASES}/l", 200),
        (("coordination.k8s.io", "leases", "delete"), "DELETE", f"{LEASES}/l", 200),
        (("coordination.k8s.io", "leases", "patch"), "PATCH", f"{LEASES}/l", 200),
        (("coordination.k8s.io", "leases", "create"), "PATCH", f"{LEASES}/l", 201),
        (("g", "httproutes/status", "update"), "PUT", "/apis/g/v1/namespaces/a/httproutes/r/status", 200),
        (("g", "gatewayclasses/status", "update"), "PUT", "/apis/g/v1/gatewayclasses/c/status", 200),
    ],
)
def test_request_that_succeeds_shows_the_right_that_it_needs(right: Right, method: str, path: str, code: int) -> None:
    rights = lacking(right)
    rights.answered(method, path, code, b"")
    assert rights.lacking == set()


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("PATCH", f"{LEASES}/l", 200),  # it was there
        ("POST", "/api/v1/namespaces/a/secrets", 201),  # another kind
        ("GET", LEASES, 200),
        ("POST", LEASES, 401),
        ("POST", LEASES, 429),
        ("POST", LEASES, 500),
        ("GET", "/version", 200),
    ],
)
def test_request_that_needs_another_right_or_fails_shows_nothing(method: str, path: str, code: int) -> None:
    rights = lacking(("coordination.k8s.io", "leases", "create"))
    rights.answered(method, path, code, b"")
    assert rights.lacking == {("coordination.k8s.io", "leases", "create")}


@pytest.mark.parametrize("said", ["exceeded quota: pods=3", "violates PodSecurity", ""])
def test_refusal_of_admission_is_no_missing_right(said: str) -> None:
    rights = Rights()
    rights.answered("POST", LEASES, 403, body(status(403, said)))
    rights.answered("POST", LEASES, 403, b"<html>")
    assert rights.lacking == set()


def test_each_difference_is_told_once() -> None:
    rights, told = Rights(), list[int]()
    rights.told = lambda: told.append(len(rights.lacking))
    for _ in range(2):
        rights.answered("POST", LEASES, 403, forbidden(("coordination.k8s.io", "leases", "create")))
    rights.answered("POST", LEASES, 201, b"")
    rights.answered("POST", LEASES, 201, b"")
    assert told == [1, 0]
