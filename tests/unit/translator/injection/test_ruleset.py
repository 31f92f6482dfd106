"""The rules of a Pod: which connections go to the sidecar, and that nothing is written which is not a number or a network."""

from __future__ import annotations

import pytest

from translator.injection.ruleset import ruleset


def test_ports_are_turned_and_the_pod_itself_is_left_alone() -> None:
    assert ruleset([8081, 8080, 8080]).splitlines() == [
        "table inet pointsman {}",
        "delete table inet pointsman",
        "table inet pointsman {",
        "  chain inbound {",
        "    type filter hook prerouting priority mangle; policy accept;",
        '    iifname "lo" return',
        "    meta nfproto ipv4 tcp dport { 8080, 8081 } tproxy ip to :15006 accept",
        "    meta nfproto ipv6 tcp dport { 8080, 8081 } tproxy ip6 to :15006 accept",
        "  }",
        "}",
    ]


def test_networks_that_are_spared_come_first() -> None:
    lines = ruleset([80], ["10.0.0.1", "10.1.2.3/16", "fd00::/8"]).splitlines()
    assert [one.strip() for one in lines if "saddr" in one] == [
        "ip saddr 10.0.0.1/32 return",
        "ip saddr 10.1.0.0/16 return",
        "ip6 saddr fd00::/8 return",
    ]


@pytest.mark.parametrize(
    ("ports", "spared"),
    [([], []), ([0], []), ([65536], []), ([15006], []), ([80], ["10.0.0.1; drop"]), ([80], [""]), ([80], ["host.example"])],
)
def test_what_is_no_port_and_no_network_is_refused(ports: list[int], spared: list[str]) -> None:
    with pytest.raises(ValueError):
        ruleset(ports, spared)


def test_kernel_without_ipv6_hears_nothing_of_it() -> None:
    assert "ip6" not in ruleset([80], ["fd00::/8"], six=False)
    assert "ipv6" not in ruleset([80], six=False)
