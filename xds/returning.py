"""What a client says when it comes back with all that there is, as nearly every one does after a restart of the server.

A thousand proxies return within seconds, each with ten thousand versions. One that is in step is recognized by comparing its request
as a whole, so that its versions never become Python strings. Knows one type's resources by name and version, and no stream.
"""

from __future__ import annotations

from collections.abc import Mapping

from protos.v3 import DeltaDiscoveryRequest

VERSIONS = DeltaDiscoveryRequest.DESCRIPTOR.fields_by_name["initial_resource_versions"]


class InStep:
    """One state of a type: `versions` by name, made into a request when the first client asks to be compared with it."""

    __slots__ = ("_request", "versions")

    def __init__(self, versions: Mapping[str, str]) -> None:
        self.versions = versions
        self._request: DeltaDiscoveryRequest | None = None

    def held(self, request: DeltaDiscoveryRequest) -> Mapping[str, str]:
        """The versions that a request came with: `versions` itself where they are the same. Clears all else that it says."""
        if not request.initial_resource_versions:
            return {}
        for field, _ in request.ListFields():
            if field is not VERSIONS:
                request.ClearField(field.name)
        if self._request is None:
            self._request = DeltaDiscoveryRequest(initial_resource_versions=self.versions)
        return self.versions if request == self._request else dict(request.initial_resource_versions)
