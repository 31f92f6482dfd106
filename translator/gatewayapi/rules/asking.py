"""Questions that several rules ask of the view."""

from __future__ import annotations

from collections.abc import Mapping

from translator.engine import View
from translator.gatewayapi.references import Referent, permitted
from translator.gatewayapi.tables import GRANTS_IN
from translator.inputs import NAMESPACE

NAME_LABEL = "kubernetes.io/metadata.name"  # the API server gives it to every namespace


def may_refer(view: View, kind: str, namespace: str, to: Referent) -> bool:
    """Same namespace, or a ReferenceGrant in the target's."""
    return to.namespace == namespace or permitted(view.list(GRANTS_IN, to.namespace), kind, namespace, to)


def labels_of(view: View, namespace: str) -> Mapping[str, str]:
    """A namespace that nobody declared has its name for a label, as the API server would have given it."""
    found = view.get(NAMESPACE, namespace)
    return {**(found.metadata.labels if found else {}), NAME_LABEL: namespace}
