"""`pointsman` with our checks of routes switched off, in this process only: what is wrong with one is for Envoy to find."""

from __future__ import annotations

from translator.envoy_v3 import rules
from xds.__main__ import main

if __name__ == "__main__":
    rules.entry_findings = lambda _: iter(())
    rules.rule_findings = lambda *_: []
    main()
