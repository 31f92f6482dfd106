"""CORS: Envoy answers preflight requests itself, and says on answers which origins may read them.

Source: Gateway API, `HTTPCORSFilter` (GEP-1767); Fetch, "CORS protocol". Where an origin is allowed Envoy repeats it, and
never says `*`, which would be wrong with credentials. A preflight from elsewhere is answered without a header, not forwarded.
"""

from __future__ import annotations

import re

from protos.v3 import Cors, CorsPolicy, HttpFilter, RegexMatcher, Route, StringMatcher, pack
from translator.ir.route import CORS, Site

NAME = "envoy.filters.http.cors"


def http_filter() -> HttpFilter:
    return HttpFilter(name=NAME, typed_config=pack(Cors()))


def on_route(row: CORS, _site: Site) -> Route:
    policy = CorsPolicy(
        allow_origin_string_match=[_origin(one) for one in row.origins],
        allow_methods=", ".join(row.methods),
        allow_headers=", ".join(row.headers),
        expose_headers=", ".join(row.exposed),
        max_age=str(row.max_age),
        allow_credentials={"value": row.credentials},
        forward_not_matching_preflights={"value": False},
    )
    message = Route()
    message.typed_per_filter_config[NAME].CopyFrom(pack(policy))
    return message


def _origin(text: str) -> StringMatcher:
    """`*` stands for any characters, dots included; scheme and port are matched as they are."""
    if "*" not in text:
        return StringMatcher(exact=text)
    pattern = ".*".join(map(re.escape, text.split("*")))
    return StringMatcher(safe_regex=RegexMatcher(regex=pattern))
