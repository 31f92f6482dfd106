"""The rules that Envoy's API carries (protoc-gen-validate), read from the descriptors and asked before anything is sent.

Envoy throws away a whole response for one broken rule in the outer message, good resources included; so a rule is broken
here first, and becomes a finding on the object. The words and limits are those of Envoy's C++ validators, which know fewer
kinds of rules than the specification: what is not known here either raises UnknownRuleError when a message is first
looked at, and a test looks at every message of the API.
"""

from translator.envoy_v3.validation.constraints import UnknownRuleError
from translator.envoy_v3.validation.messages import Violation, violations

__all__ = ["UnknownRuleError", "Violation", "violations"]
