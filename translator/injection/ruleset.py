"""What the kernel of a Pod is told: connections to some ports go to the sidecar, as long as there is one. Text for nftables.

`tproxy` and not `redirect`: it looks for a listening socket at each new connection, and where it finds none goes on to the next
rule, so the workload is reached as if there were no sidecar. What the Pod asks of itself comes in over lo and is left alone.
Source: nftables wiki, "Transparent proxy"; Linux Documentation/networking/tproxy.rst.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_network

from translator.ir.inbound import PORT

TABLE = "pointsman"


def ruleset(ports: Iterable[int], spared: Iterable[str] = (), *, six: bool = True) -> str:
    """Takes the place of what was there. `spared` are networks whose connections the workload always gets itself. Without `six`
    nothing is said of IPv6, which a kernel without it would not take.

    ValueError for a port or network that is none, and for the sidecar's own port.
    """
    wanted = sorted(set(ports))
    if not wanted or any(not 0 < one < 65536 or one == PORT for one in wanted):
        raise ValueError(f"ports are numbers from 1 to 65535 without {PORT}, one at least")
    networks = [ip_network(one, strict=False) for one in spared]
    named = ", ".join(map(str, wanted))
    return "\n".join(
        [
            f"table inet {TABLE} {{}}",  # so that it can be deleted whether it was there or not
            f"delete table inet {TABLE}",
            f"table inet {TABLE} {{",
            "  chain inbound {",
            "    type filter hook prerouting priority mangle; policy accept;",
            '    iifname "lo" return',
            *(f"    ip saddr {one} return" for one in networks if isinstance(one, IPv4Network)),
            *(f"    ip6 saddr {one} return" for one in networks if isinstance(one, IPv6Network) and six),
            f"    meta nfproto ipv4 tcp dport {{ {named} }} tproxy ip to :{PORT} accept",
            *([f"    meta nfproto ipv6 tcp dport {{ {named} }} tproxy ip6 to :{PORT} accept"] if six else []),
            "  }",
            "}",
            "",
        ]
    )
