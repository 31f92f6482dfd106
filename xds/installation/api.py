"""Objects at an API server, as installing needs them: read, applied, deleted. Who is refused gets an error that says of what."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from xds.installation.manifests import Json, Manifest
from xds.sources.kube.transport import APPLY, Answer, Caller

MANAGER = "pointsman-install"
PAGE = "500"  # objects in an answer
GONE = (404, 410)


class RefusedError(Exception):
    """The API server answered, and not with what was asked for."""

    def __init__(self, what: str, answer: Answer) -> None:
        super().__init__(f"{what}: {answer.said()}")
        self.status = answer.status


class Api:
    """All of these raise RefusedError, and one of Broken where nobody answers."""

    def __init__(self, calls: Caller) -> None:
        self.calls = calls

    async def get(self, path: str) -> Json | None:
        """None where it is not there, or its kind is not."""
        answer = await self.calls.call("GET", path)
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise RefusedError(path, answer)
        found: Json = answer.json()
        return found

    async def items(self, path: str, **query: str) -> list[Json]:
        """All of a kind, in as many answers as it takes; none where the kind is not there."""
        found: list[Json] = []
        more = ""
        while True:
            answer = await self.calls.call("GET", path, None, {"limit": PAGE, **query, **({"continue": more} if more else {})})
            if answer.status == 404:
                return found
            if answer.status != 200:
                raise RefusedError(path, answer)
            page = answer.json()
            found += page.get("items") or []
            more = page.get("metadata", {}).get("continue", "")
            if not more:
                return found

    async def apply(self, one: Manifest, *, dry_run: bool = False) -> Json | None:
        """What the object is then. With `dry_run` nothing is, and None is where its namespace or kind would have to be first."""
        query = {"fieldManager": MANAGER, "force": "true", **({"dryRun": "All"} if dry_run else {})}
        answer = await self.calls.call("PATCH", one.path, one.document, query, content=APPLY)
        if dry_run and answer.status == 404:
            return None
        if answer.status not in (200, 201):
            raise RefusedError(str(one), answer)
        found: Json = answer.json()
        return found

    async def delete(self, path: str) -> bool:
        """Whether it was there. What it owns goes too, by itself."""
        answer = await self.calls.call("DELETE", path, {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"})
        if answer.status in GONE:
            return False
        if answer.status not in (200, 202):
            raise RefusedError(path, answer)
        return True

    async def put(self, path: str, document: Json) -> None:
        """In place of what was read, unless that has changed meanwhile or is gone: then it is for somebody else to say."""
        answer = await self.calls.call("PUT", path, document)
        if answer.status not in (200, 409, *GONE):
            raise RefusedError(path, answer)

    async def may(self, review: Json) -> bool:
        """What a SubjectAccessReview says."""
        answer = await self.calls.call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
        if answer.status != 201:
            raise RefusedError("SubjectAccessReview", answer)
        return bool(answer.json()["status"].get("allowed"))


def time_of(date: str) -> datetime | None:
    """Of an HTTP Date header, or None."""
    try:
        return parsedate_to_datetime(date).astimezone(UTC)
    except ValueError:
        return None
