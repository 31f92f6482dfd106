"""CEL with the functions that an API server has, programs compiled once for each text. Knows no schema.

The values that rules see are plain JSON values: the checker cannot know their types, so what an API server finds when a CRD
is created (a rule that names no field) is found here when the rule runs. Source: Kubernetes, "Common Expression Language
in Kubernetes". Of its libraries those that our CRDs use are here; a rule that needs another one does not compile.
"""

from __future__ import annotations

import ipaddress
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import re2
from cel_expr_python import cel
from cel_expr_python.ext import ext_optional, ext_strings

from translator.door.schema import UnsupportedSchemaError

BOOL, STRING, INT, DYN = cel.Type.BOOL, cel.Type.STRING, cel.Type.INT, cel.Type.DYN
LIST, STRINGS = cel.Type.List(DYN), cel.Type.List(STRING)


def is_ip(text: str) -> bool:
    """As Go's netip reads it: no zone, no IPv4 inside IPv6."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not (isinstance(address, ipaddress.IPv6Address) and (address.scope_id or address.ipv4_mapped))


def is_cidr(text: str) -> bool:
    """An address and the length of a prefix; bits after the prefix may be set."""
    address, slash, length = text.partition("/")
    if not slash or not is_ip(address) or not (length.isascii() and length.isdigit()) or length != str(int(length)):
        return False
    return int(length) <= (128 if ":" in address else 32)


def is_url(text: str) -> bool:
    """An absolute URI, or an absolute path."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(parts.scheme) or text.startswith("/")


def find(text: str, pattern: str) -> str:
    found = re2.search(pattern, text)
    return found.group(0) if found else ""


def _functions() -> list[Any]:
    def function(name: str, result: Any, parameters: list[Any], body: Any, *, member: bool) -> Any:
        return cel.FunctionDecl(name, [cel.Overload(f"kubernetes_{name}", result, parameters, member, body)])

    return [
        function("isIP", BOOL, [STRING], is_ip, member=False),
        function("isCIDR", BOOL, [STRING], is_cidr, member=False),
        function("isURL", BOOL, [STRING], is_url, member=False),
        function("find", STRING, [STRING, STRING], find, member=True),
        function("isSorted", BOOL, [LIST], lambda items: list(items) == sorted(items), member=True),
        function("sum", DYN, [LIST], sum, member=True),
        function("min", DYN, [LIST], min, member=True),
        function("max", DYN, [LIST], max, member=True),
    ]


class Cel:
    """The environment and the programs compiled in it. Made when the first rule is met: it costs 35 ms."""

    def __init__(self) -> None:
        self._programs: dict[str, Any] = {}

    @cached_property
    def _env(self) -> Any:
        extensions = [ext_strings.ExtStrings(), ext_optional.ExtOptional()]
        return cel.NewEnv(variables={"self": DYN}, extensions=extensions, functions=_functions())

    def holds(self, text: str, value: Any) -> bool:
        """Whether the rule says true of this value. An error while it runs (a field that is not there) is not true."""
        result = self._value(text, value)
        return result is True

    def text(self, text: str, value: Any) -> str:
        """What a message expression says; empty where it says nothing that fits one line."""
        result = self._value(text, value)
        return result.strip() if isinstance(result, str) and "\n" not in result else ""

    def _value(self, text: str, value: Any) -> Any:
        program = self._programs.get(text) or self.compiled(text)
        try:
            result = program.eval(data={"self": value})
        except (RuntimeError, ValueError, TypeError):  # a value that CEL cannot hold: too large, not Unicode
            return None
        return None if result.type() == cel.Type.ERROR else result.value()

    def compiled(self, text: str) -> Any:
        """UnsupportedSchemaError where the text is no CEL, or needs a function that is not here."""
        try:
            program = self._programs[text] = self._env.compile(text)
        except RuntimeError as error:
            raise UnsupportedSchemaError(f"{text}: {error}") from None
        return program
