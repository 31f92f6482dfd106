"""Inputs by the key under which rules ask for them."""

from __future__ import annotations

from translator.engine import Facts, View, rule
from translator.gatewayapi.tables import GRANTS_IN, SLICES_OF
from translator.inputs import ENDPOINT_SLICE, REFERENCE_GRANT

SERVICE_LABEL = "kubernetes.io/service-name"


@rule(over=REFERENCE_GRANT, into=(GRANTS_IN,))
def grants_in_namespace(view: View, key: str) -> Facts:
    grant = view.one(REFERENCE_GRANT, key)
    yield GRANTS_IN(grant.namespace, grant)


@rule(over=ENDPOINT_SLICE, into=(SLICES_OF,))
def slices_of_service(view: View, key: str) -> Facts:
    one = view.one(ENDPOINT_SLICE, key)
    if name := one.metadata.labels.get(SERVICE_LABEL):
        yield SLICES_OF(f"{one.namespace}/{name}", one)


RULES = (grants_in_namespace, slices_of_service)
