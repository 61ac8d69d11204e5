"""The routes: one for each line of REST in the contract, so that what is not in the contract does not pass."""

from __future__ import annotations

from collections import defaultdict

from threed.blobs.signing import PREFIX as BLOBS_PREFIX
from threed.local.gateway.rest import Binding, Contract, Kind, lua_pattern
from threed.local.gateway.settings import Gateway

_TYPE = "type.googleapis.com/envoy.extensions.filters.http."
_COMPRESSORS = ("envoy.filters.http.compressor.br", "envoy.filters.http.compressor.gzip")
_TRANSCODER = "envoy.filters.http.grpc_json_transcoder"
_MUTATION = "envoy.filters.http.header_mutation"
_JWT = "envoy.filters.http.jwt_authn"
_LUA = "envoy.filters.http.lua"
_OFF = {"@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", "disabled": True}
_DIAGNOSTIC = ("health", "reflection", "channelz")
# What the transcoder leaves of gRPC in a REST reply.
_CLEAN = [{"remove": name} for name in ("grpc-status", "grpc-message", "grpc-accept-encoding", "grpc-encoding")]
# A browser's EventSource can set no headers, so a watch may bring its token in the query. It becomes an ordinary
# authorization header, and the query is cut before anything else reads or logs it.
_TOKEN_FROM_QUERY = [
    {
        "append": {
            "header": {"key": "authorization", "value": "Bearer %QUERY_PARAM(access_token)%"},
            "append_action": "ADD_IF_ABSENT",
        }
    }
]


def rest_routes(contract: Contract, gateway: Gateway, transcoder: dict) -> list[dict]:
    """Every REST route, then what answers the wrong method on a right path. `transcoder` is the filter's own block."""
    watches = [binding for binding in contract.bindings if binding.kind is Kind.STREAM and binding.verb == "GET"]
    routes = []
    if watches:
        path = "|".join(binding.path for binding in watches)
        routes += [_events(path, transcoder, from_query) for from_query in (True, False)]
    routes += [_route(binding, gateway) for binding in contract.bindings]
    return routes + _wrong_methods(contract.bindings)


def _match(path: str, verb: str) -> dict:
    return {
        "safe_regex": {"regex": path},
        "headers": [{"name": ":method", "string_match": {"exact": verb}}],
    }


def _mutations(request: list[dict] = (), query: list[dict] = ()) -> dict:
    mutations = {"response_mutations": _CLEAN}
    if request:
        mutations |= {"request_mutations": list(request), "query_parameter_mutations": list(query)}
    return {_MUTATION: {"@type": _TYPE + "header_mutation.v3.HeaderMutationPerRoute", "mutations": mutations}}


def _uncompressed() -> dict:
    """A compressor holds events back until it has a block, and takes Range and strong ETags from files."""
    return {name: {"@type": _TYPE + "compressor.v3.CompressorPerRoute", "disabled": True} for name in _COMPRESSORS}


def _long(idle_s: int) -> dict:
    """No limit of the whole, only of silence, in seconds. 0: none either, and keepalive finds who is gone."""
    return {
        "cluster": "grpc",
        "timeout": "0s",
        "idle_timeout": f"{idle_s}s",
        "max_stream_duration": {"grpc_timeout_header_max": "0s"},
    }


def _events(path: str, transcoder: dict, from_query: bool) -> dict:
    """Watches as server-sent events: the same methods, chosen by the Accept header."""
    match = _match(path, "GET")
    match["headers"].append({"name": "accept", "string_match": {"contains": "text/event-stream"}})
    mutations = _mutations()
    if from_query:
        match["query_parameters"] = [{"name": "access_token", "present_match": True}]
        mutations = _mutations(_TOKEN_FROM_QUERY, [{"remove": "access_token"}])
    # A route's block replaces the filter's own one, so it repeats all of it.
    print_options = transcoder["print_options"] | {"stream_sse_style_delimited": True}
    del print_options["stream_newline_delimited"]
    return {
        "match": match,
        "route": _long(0),
        "typed_per_filter_config": {
            **mutations,
            **_uncompressed(),
            _TRANSCODER: transcoder | {"print_options": print_options},
        },
    }


def _route(binding: Binding, gateway: Gateway) -> dict:
    route: dict = {"match": _match(binding.path, binding.verb), "name": binding.method}
    if binding.kind in (Kind.STREAM, Kind.UPLOAD):
        action = _long(0 if binding.kind is Kind.STREAM else gateway.upload_idle_s)
        return route | {"route": action, "typed_per_filter_config": {**_mutations(), **_uncompressed()}}
    action = {
        "cluster": "grpc",
        "timeout": f"{gateway.call_timeout_s}s",
        # Only what never reached a server is sent again.
        "retry_policy": {"retry_on": "connect-failure,refused-stream", "num_retries": 2},
    }
    filters = _mutations()
    if binding.kind is Kind.JSON:
        route["metadata"] = {"filter_metadata": {_LUA: _for_lua(binding)}}
        route["request_body_buffer_limit"] = gateway.max_json_bytes
        filters[_LUA] = {"@type": _TYPE + "lua.v3.LuaPerRoute", "name": "strict.lua"}
    return route | {"route": action, "typed_per_filter_config": filters}


def _for_lua(binding: Binding) -> dict:
    """What strict.lua reads of its route."""
    return {
        "message": binding.message,
        "field": binding.field,
        "bound": list(binding.bound),
        "path": lua_pattern(binding.template),
    }


def _wrong_methods(bindings: list[Binding]) -> list[dict]:
    verbs: dict[str, set[str]] = defaultdict(set)
    for binding in bindings:
        verbs[binding.path].add(binding.verb)
    paths: dict[str, list[str]] = defaultdict(list)
    for path, allowed in verbs.items():
        paths[", ".join(sorted(allowed))].append(path)
    return [
        {
            "match": {"safe_regex": {"regex": "|".join(same)}},
            "direct_response": {"status": 405},
            "response_headers_to_add": [{"header": {"key": "allow", "value": allow}}],
            "typed_per_filter_config": {_TRANSCODER: _OFF},
        }
        for allow, same in paths.items()
    ]


def grpc_routes(contract: Contract) -> list[dict]:
    """Native gRPC and gRPC-Web, by service. A caller's grpc-timeout ends the call here too."""
    services = [service.full_name for service in contract.services]
    prefixes = [f"/{name}/" for name in services] + [f"/grpc.{name}." for name in _DIAGNOSTIC]
    return [{"match": {"prefix": prefix}, "route": _long(0)} for prefix in prefixes]


def preflight_route() -> dict:
    """Where a browser's question before a call ends up. The CORS filter answers it, if the origin may call, and it
    does so only on routes that lead somewhere; an origin that may not finds nothing there."""
    asked = [{"name": name, "present_match": True} for name in ("origin", "access-control-request-method")]
    options = {"name": ":method", "string_match": {"exact": "OPTIONS"}}
    return nowhere() | {"match": {"prefix": "/", "headers": [options, *asked]}}


def nowhere() -> dict:
    """404 for the rest. A direct response would come without CORS headers, and a page could not read it."""
    return {
        "match": {"prefix": "/"},
        "route": {"cluster": "nowhere", "cluster_not_found_response_code": "NOT_FOUND"},
        "typed_per_filter_config": {_TRANSCODER: _OFF},
    }


def redirect_routes(gateway: Gateway) -> list[dict]:
    """From the plain door to the TLS one. 308 keeps method and body.

    `require_tls` of a virtual host would do it after transcoding, and send callers to /package.Service/Method.
    """
    if gateway.redirect_to_tls is None:
        return []
    plain = {"name": "x-forwarded-proto", "string_match": {"exact": "http"}}
    return [
        {
            "match": {"prefix": "/", "headers": [plain]},
            "redirect": {
                "https_redirect": True,
                "port_redirect": gateway.redirect_to_tls,
                "response_code": "PERMANENT_REDIRECT",
            },
            "typed_per_filter_config": {_TRANSCODER: _OFF, _JWT: _OFF},
        }
    ]


def file_routes(gateway: Gateway) -> list[dict]:
    """Downloads by signed address: from the server's disk store, or out of the bucket. GET and HEAD only on disk."""
    routes = []
    if gateway.blobs:
        routes.append(_files(BLOBS_PREFIX, "blobs"))
    if gateway.s3:
        routes.append(_files(f"/{gateway.s3_bucket}/", "s3"))
    return routes


def _files(prefix: str, cluster: str) -> dict:
    return {
        "match": {"prefix": prefix},
        "route": {"cluster": cluster, "timeout": "0s"},
        "typed_per_filter_config": {
            **_uncompressed(),
            _TRANSCODER: _OFF,
            _JWT: _OFF,
        },
    }
