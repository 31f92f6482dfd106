"""Header modifier: set, add and remove headers of requests or responses, on a route or on one share of it.

Source: Gateway API, `HTTPHeaderFilter`. Values are literal: Envoy reads `%` as the start of a command, so it is doubled.
"""

from __future__ import annotations

from typing import Any

from protos.v3 import HeaderValue, HeaderValueOption, Route, WeightedCluster
from translator.ir.route import Headers, Site

SET, ADD = HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD, HeaderValueOption.APPEND_IF_EXISTS_OR_ADD


def on_route(row: Headers, _site: Site) -> Route:
    return Route(**_fields(row))


def on_share(row: Headers) -> WeightedCluster.ClusterWeight:
    return WeightedCluster.ClusterWeight(**_fields(row))


def _fields(row: Headers) -> dict[str, Any]:
    changes = [_change(*pair, SET) for pair in row.set] + [_change(*pair, ADD) for pair in row.add]
    return {f"{row.on}_headers_to_add": changes, f"{row.on}_headers_to_remove": row.remove}


def _change(name: str, value: str, action: HeaderValueOption.HeaderAppendAction) -> HeaderValueOption:
    header = HeaderValue(key=name, value=value.replace("%", "%%"))
    return HeaderValueOption(header=header, append_action=action, keep_empty_value=True)
