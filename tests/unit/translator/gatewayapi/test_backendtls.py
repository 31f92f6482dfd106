"""Claims about BackendTLSPolicies: which one a port obeys, what it demands, and what is said of it."""

from __future__ import annotations

import pytest

from tests.property.pools import PAIRS
from translator.gatewayapi.backendtls import authorities, authority_state, demands, is_conflicted, obeyed, policy_conditions
from translator.gatewayapi.tables import AuthorityState, TargetClaim
from translator.resources.backendtlspolicy import BackendTLSPolicy, BackendTLSPolicySpec, BackendTLSValidation, SubjectAltName
from translator.resources.core import ConfigMap
from translator.resources.meta import LocalReference, Metadata

OLD, NEW = TargetClaim("2025", "a/old", ""), TargetClaim("2026", "a/new", "")
PORT, OTHER = TargetClaim("2026", "a/port", "https"), TargetClaim("2027", "a/other", "https")
CA = ConfigMap(metadata=Metadata("ca", "a"), data={"ca.crt": PAIRS[0]["tls.crt"].decode()})


def policy(*refs: LocalReference, **validation: object) -> BackendTLSPolicy:
    given = BackendTLSValidation(hostname="a.example", ca_certificate_refs=refs, **validation)  # type: ignore[arg-type]
    return BackendTLSPolicy(metadata=Metadata("p", "a"), spec=BackendTLSPolicySpec(validation=given))


@pytest.mark.parametrize(
    ("claims", "section", "wanted"),
    [
        pytest.param([OLD, NEW], "https", OLD, id="oldest"),
        pytest.param([OLD, PORT, OTHER], "https", PORT, id="port-first"),
        pytest.param([OLD, PORT], "http", OLD, id="other-port"),
        pytest.param([PORT], "http", None, id="none"),
        pytest.param([OLD, PORT], "", OLD, id="port-without-a-name"),
    ],
)
def test_port_obeys_its_own_policy_and_then_the_oldest(claims: list[TargetClaim], section: str, wanted: TargetClaim | None) -> None:
    assert obeyed(claims, section) == wanted


def test_policies_conflict_only_where_they_name_the_same() -> None:
    claims = [OLD, PORT, NEW, OTHER]
    assert [is_conflicted(claim, claims) for claim in claims] == [False, False, True, True]


@pytest.mark.parametrize(
    ("one", "said"),
    [(None, "it does not exist"), (ConfigMap(metadata=Metadata("ca", "a")), "it lacks ca.crt"),
     (ConfigMap(metadata=Metadata("ca", "a"), data={"ca.crt": "no"}), "ca.crt is no PEM certificate"), (CA, "")],
)  # fmt: skip
def test_authority_is_a_certificate_in_a_config_map(one: ConfigMap | None, said: str) -> None:
    found = authority_state(one)
    assert (found.problem, bool(found.certificates)) == (said, not said)


def test_good_references_count_where_others_are_bad() -> None:
    refs = (LocalReference("ca", kind="ConfigMap"), LocalReference("gone", kind="ConfigMap"), LocalReference("ca", kind="Secret"))
    bundle, problems = authorities(
        policy(*refs), {"a/ca": AuthorityState(certificates=b"CA\n"), "a/gone": AuthorityState("it does not exist")}
    )
    assert bundle == b"CA\n"
    assert [problem.reason for problem in problems] == ["InvalidCACertificateRef", "InvalidKind"]


def test_hostname_is_checked_unless_alternative_names_are_given() -> None:
    assert demands(policy(), "x").names == (("dns", "a.example"),)
    names = (SubjectAltName(type="URI", uri="spiffe://a"), SubjectAltName(type="Hostname", hostname="b.example"))
    found = demands(policy(subject_alt_names=names), "")
    assert (found.sni, found.names) == ("a.example", (("uri", "spiffe://a"), ("dns", "b.example")))


def test_conflict_is_told_before_a_missing_authority() -> None:
    def accepted(*, usable: bool, conflicted: bool) -> tuple[bool, str]:
        one = policy_conditions([], usable, conflicted)[0]
        return one.status, one.reason

    assert accepted(usable=True, conflicted=False) == (True, "Accepted")
    assert accepted(usable=False, conflicted=False) == (False, "NoValidCACertificate")
    assert accepted(usable=False, conflicted=True) == (False, "Conflicted")
