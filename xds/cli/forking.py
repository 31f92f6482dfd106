"""`sandbox create --from`: a Sandbox whose fork is a Deployment made from another, and Services for it, all owned by the Sandbox."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from translator.ir.copy import fork_name
from translator.workloads.fork import selecting
from xds.cli.output import Exit
from xds.cli.sandboxes import READ, Forked, post
from xds.installation.api import Api, RefusedError
from xds.installation.manifests import Manifest
from xds.sandboxes.workloads import deployment, service
from xds.sandboxes.written import Wish, sandbox

Json = dict[str, Any]
UNMADE: Json = {"uid": "00000000-0000-0000-0000-000000000000"}
DEPLOYMENTS = ("deploy", "deployment", "deployments")


async def create_forked(api: Api, wish: Wish, forked: Forked, *, dry_run: bool) -> list[Json]:
    """What was made, the Sandbox first. RefusedError where the API server lets one of them not in."""
    kind, _, name = forked.of.rpartition("/")
    if kind not in DEPLOYMENTS or not name:
        raise Exit(2, f"--from {forked.of}: write deploy/NAME")
    baseline = await api.get(f"/apis/apps/v1/namespaces/{wish.namespace}/deployments/{name}")
    if baseline is None:
        raise Exit(1, f"Deployment {wish.namespace}/{name} not found")
    labels = baseline["spec"]["template"].get("metadata", {}).get("labels", {})
    there = await api.items(f"/api/v1/namespaces/{wish.namespace}/services")
    services = selecting(there, labels)
    if not services:
        raise Exit(1, f"no Service of namespace {wish.namespace} leads to Deployment {name}, so no request would come to its fork")
    wanted = tuple(f"{one['metadata']['name']}={fork_name(one['metadata']['name'], wish.name)}" for one in services)
    made = sandbox(replace(wish, services=wanted), "")
    del made["metadata"]["creationTimestamp"]
    owner = {**made, "metadata": {**made["metadata"], **UNMADE}}
    fork = deployment(baseline, owner, forked.images, forked.env, there)  # before anything is made: it may be misspelled
    if dry_run:
        return [made, fork, *(service(one, owner, name) for one in services)]
    owner = await post(api, made)
    owner = {**owner, "apiVersion": made["apiVersion"], "kind": made["kind"]}
    found = [deployment(baseline, owner, forked.images, forked.env, there)]
    found += [service(one, owner, name) for one in services]
    try:
        for one in found:
            await api.apply(Manifest(one))
    except RefusedError:
        await api.delete(f"{READ['Sandbox'].format(wish.namespace, wish.api)}/{wish.name}")  # and with it what it owns by now
        raise
    return [made, *found]
