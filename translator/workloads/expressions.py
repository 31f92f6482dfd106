"""What a variable of a fork is told of another fork: `{{ .Service.Host }}` and `{{ .Service.Port }}`. Knows no templates but these.

Source: Signadot, "Sandbox Service References".
"""

from __future__ import annotations

import re
from typing import Any

from translator.ir.copy import Copies, fork_name
from translator.workloads.patch import UnfitError

Json = dict[str, Any]
_PLACE = re.compile(r"\{\{-?\s*\.Service\.(Host|Port)\s*-?\}\}")


def told(expression: str, deployment: str, services: list[Json], of: Copies) -> str:
    """With the host and the first port of the Service of a fork: the one that has the name of the Deployment, or else the first."""
    names = {one["metadata"]["name"]: one for one in services}
    name = deployment if deployment in names else min(names)
    ports = names[name]["spec"].get("ports") or []
    if not ports:
        raise UnfitError(f"Service {of.namespace}/{name} has no port")
    values = {"Host": f"{fork_name(name, of.sandbox)}.{of.namespace}.svc", "Port": str(ports[0]["port"])}
    found = _PLACE.sub(lambda match: values[match[1]], expression)
    if "{{" in found or "}}" in found:
        raise UnfitError(f"the expression {expression} has more than {{{{ .Service.Host }}}} and {{{{ .Service.Port }}}}")
    return found
