"""What a wheel holds that is no Python: the native module, where it was built, which makes the wheel one for this kind of machine.

Called by hatchling while it builds; an editable installation has the module in the checkout.
"""

from __future__ import annotations

import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

MODULE = "libpointsman.so"


class Native(BuildHookInterface):  # type: ignore[type-arg]
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        built = Path(self.root) / "envoy" / "modules" / MODULE
        if version == "standard" and built.is_file():
            build_data["force_include"][str(built)] = f"xds/modules/{MODULE}"
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"
