"""Which rules a message breaks, and where. Knows presence and nesting; which rules there are is rules.py's to say, and what
one demands constraints.py's.

Each message type is read once and becomes a closure that looks only at fields with rules below them; a type from which no
rule can be reached costs nothing. What an absent field breaks is known beforehand, since its value is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any, cast

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.descriptor_pool import Default
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

from protos.v3 import FieldRules, Message
from translator.envoy_v3.validation.constraints import DURATION, Constraint, Obeys, constraints, counts
from translator.envoy_v3.validation.rules import is_exempt, is_required, rules_of
from translator.ir.value import Row

ANY, DURATION_NAME = "google.protobuf.Any", "google.protobuf.Duration"
WRAPPERS = frozenset(
    f"google.protobuf.{name}Value" for name in ("Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes")
)


class Violation(Row, frozen=True, gc=False, order=True):
    """A broken rule: `path` leads to the field from the message's root (`virtual_hosts[0].domains`), `rule` is its name in
    protoc-gen-validate (`repeated.min_items`). Three names are ours: `duration.range` (Envoy takes only durations from 0 to
    9,223,372,035.999999999 s, anywhere), `any.decodes` (the bytes of an Any are no message of its type) and `….outside`.
    """

    path: str
    rule: str


Check = Callable[[Any], Sequence[Violation]]
Need = tuple[frozenset[FieldDescriptor], tuple[Violation, ...]]  # broken when none of these fields is set

_NOTHING: tuple[Violation, ...] = ()


def violations(message: Message) -> tuple[Violation, ...]:
    """Every rule that the message breaks, in nested messages and in those inside google.protobuf.Any too.

    An Any of a type that is not generated here is not looked into. Raises UnknownRuleError: see there.
    """
    return tuple(check_of(message.DESCRIPTOR)(message))


@cache
def check_of(descriptor: Descriptor) -> Check:
    """The closure for messages of a type. Nested types are read when they are first met."""
    if is_exempt(descriptor):
        return _no_check
    checks = {field: (field.name, check) for field in descriptor.fields if (check := _field(field)) is not None}
    needs = _needs(descriptor)
    return _checked(checks, needs) if checks or needs else _no_check


def _no_check(_: Any) -> Sequence[Violation]:
    return _NOTHING


def _checked(checks: dict[FieldDescriptor, tuple[str, Check]], needs: tuple[Need, ...]) -> Check:
    def check(message: Message) -> Sequence[Violation]:
        found: list[Violation] = []
        listed = message.ListFields()
        for field, value in listed:
            named = checks.get(field)
            if named is not None and (broken := named[1](value)):
                found += _below(named[0], broken)
        if needs:
            present = dict(listed)
            for fields, broken in needs:
                if fields.isdisjoint(present):
                    found += broken
        return found

    return check


# What is read from a field --------------------------------------------------------------------------------------------


def _field(field: FieldDescriptor) -> Check | None:
    """What is asked of a field that is set; None where nothing is."""
    rules = rules_of(field)
    if _is_map(field):
        return _map(cast("Descriptor", field.message_type), rules)
    return _repeated(field, rules) if field.is_repeated else _single(field, rules)


def _needs(descriptor: Descriptor) -> tuple[Need, ...]:
    """What is broken by absence: a required message or oneof, and a value whose zero breaks its rule."""
    oneofs = [(frozenset(oneof.fields), (Violation(oneof.name, "oneof.required"),)) for oneof in descriptor.oneofs if is_required(oneof)]
    absent = [(frozenset({field}), tuple(_below(field.name, _broken_by_absence(field)))) for field in descriptor.fields]
    return (*oneofs, *((field, broken) for field, broken in absent if broken))


def _broken_by_absence(field: FieldDescriptor) -> Sequence[Violation]:
    rules = rules_of(field)
    if field.containing_oneof is not None:  # asked only when it is the one that is set
        return _NOTHING
    if field.has_presence:
        kind = rules.WhichOneof("type")
        demands = (
            [("message", rules.message), (kind, getattr(rules, kind))] if kind in ("any", "duration") else [("message", rules.message)]
        )
        return [Violation("", f"{name}.required") for name, typed in demands if typed.required]
    check = _field(field)
    return _NOTHING if check is None else check({} if _is_map(field) else field.default_value)


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and bool(field.message_type.GetOptions().map_entry)


def _single(field: FieldDescriptor, rules: FieldRules) -> Check | None:
    """A value that stands alone, or one of many."""
    own = constraints(rules, _defined(field.enum_type))
    if field.message_type is None:
        return _constrained(own)
    if field.message_type.full_name in WRAPPERS:
        return _constrained([(name, _unwrapped(obeys)) for name, obeys in own])
    nested = None if rules.message.skip else _nested(field.message_type)
    return _all([check for check in (_constrained(own), nested) if check is not None])


def _repeated(field: FieldDescriptor, rules: FieldRules) -> Check | None:
    each = _single(field, rules.repeated.items)
    counted = _constrained(counts("repeated", rules.repeated))
    return _all([check for check in (counted, each and _each(enumerate, each)) if check is not None])


def _map(entry: Descriptor, rules: FieldRules) -> Check | None:
    key, value = _single(entry.fields_by_name["key"], rules.map.keys), _single(entry.fields_by_name["value"], rules.map.values)
    keys = key and _each(lambda pairs: ((name, name) for name in pairs), key)
    values = value and _each(lambda pairs: pairs.items(), value)
    return _all([check for check in (_constrained(counts("map", rules.map)), keys, values) if check is not None])


def _defined(enum: EnumDescriptor | None) -> frozenset[int]:
    return frozenset(enum.values_by_number) if enum is not None else frozenset()


# Nesting --------------------------------------------------------------------------------------------------------------


def _nested(descriptor: Descriptor) -> Check | None:
    """Asked when it is met, so that types may contain themselves."""
    if descriptor.full_name == ANY:
        return _inside
    if descriptor.full_name == DURATION_NAME:
        return _constrained([DURATION])
    if not _reaches_rules(descriptor):
        return None

    def check(message: Message) -> Sequence[Violation]:
        return check_of(descriptor)(message)

    return check


@cache
def _reaches_rules(descriptor: Descriptor) -> bool:
    """Whether a message of this type can break any rule, its own or one below."""
    seen: set[str] = set()
    ahead = [descriptor]
    while ahead:
        met = ahead.pop()
        if (
            met.full_name in (ANY, DURATION_NAME)
            or any(map(is_required, met.oneofs))
            or any(rules_of(field).ListFields() for field in met.fields)
        ):
            return True
        seen.add(met.full_name)
        ahead += [field.message_type for field in met.fields if field.message_type and field.message_type.full_name not in seen]
    return False


def _inside(packed: Any) -> Sequence[Violation]:
    """Envoy validates a typed_config when it makes the extension: it is as fatal as outside."""
    descriptor = _named(packed.TypeName()) if packed.type_url else None
    check = check_of(descriptor) if descriptor is not None else _no_check
    if descriptor is None or check is _no_check:
        return _NOTHING
    try:
        return check(GetMessageClass(descriptor).FromString(packed.value))
    except DecodeError:
        return (Violation("", "any.decodes"),)


@cache
def _named(full_name: str) -> Descriptor | None:
    try:
        return Default().FindMessageTypeByName(full_name)
    except KeyError:
        return None


# How checks are joined ------------------------------------------------------------------------------------------------


def _constrained(demands: Iterable[Constraint]) -> Check | None:
    named = [(obeys, (Violation("", name),)) for name, obeys in demands]
    if len(named) == 1:
        obeys, broken = named[0]
        return lambda value: _NOTHING if obeys(value) else broken
    return (lambda value: [each for obeys, broken in named if not obeys(value) for each in broken]) if named else None


def _all(checks: list[Check]) -> Check | None:
    if len(checks) > 1:
        return lambda value: [broken for check in checks for broken in check(value)]
    return checks[0] if checks else None


def _each(pairs: Callable[[Any], Iterable[tuple[Any, Any]]], check: Check) -> Check:
    """The check on every element, told apart by what stands in brackets."""

    def check_each(values: Any) -> Sequence[Violation]:
        found: list[Violation] = []
        for at, value in pairs(values):
            if broken := check(value):
                found += _below(f"[{at}]", broken)
        return found

    return check_each


def _below(name: str, broken: Sequence[Violation]) -> Sequence[Violation]:
    return [Violation(_joined(name, each.path), each.rule) for each in broken]


def _joined(name: str, path: str) -> str:
    return f"{name}.{path}" if path and not path.startswith("[") else f"{name}{path}"


def _unwrapped(obeys: Obeys) -> Obeys:
    return lambda wrapper: obeys(wrapper.value)
