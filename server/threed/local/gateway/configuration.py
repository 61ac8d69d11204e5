"""Puts the gateway's configuration together: the template, filled with what the contract and the settings say."""

from __future__ import annotations

from pathlib import Path

from threed.local.gateway.bodies import script
from threed.local.gateway.clusters import clusters
from threed.local.gateway.document import fill
from threed.local.gateway.replies import mappers
from threed.local.gateway.rest import Contract
from threed.local.gateway.routes import file_routes, grpc_routes, nowhere, preflight_route, redirect_routes, rest_routes
from threed.local.gateway.settings import Gateway, RateLimit

_INSTALLED = Path(__file__).with_name("files")
# A wheel carries the folder envoy/ inside this package; a checkout has it at its root.
FILES = _INSTALLED if _INSTALLED.is_dir() else Path(__file__).parents[4] / "envoy"

_TRANSCODER = "type.googleapis.com/envoy.extensions.filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder"


def render(gateway: Gateway, files: Path = FILES) -> str:
    """The YAML that Envoy starts with. `files` holds envoy.yaml, strict.lua and descriptors.binpb.

    Paths in it are absolute, so Envoy may start in any folder. Raises ValueError when template and code disagree.
    """
    contract = Contract.read(files / "descriptors.binpb")
    transcoder = _transcoder(contract, gateway, files / "descriptors.binpb")
    truths = {
        "tls": gateway.tls_certificate is not None,
        "untrusted": gateway.trusted_proxies == 0,
        "jwks_file": gateway.jwks_file is not None,
        "jwks_url": gateway.jwks_url is not None,
    }
    values = {
        "address": gateway.address,
        "port": gateway.port,
        "tls_port": gateway.tls_port,
        "tls_certificate": _absolute(gateway.tls_certificate),
        "tls_key": _absolute(gateway.tls_key),
        "trusted_proxies": gateway.trusted_proxies,
        "admin_socket": _absolute(gateway.admin_socket),
        "access_log": _absolute(gateway.access_log) or "/dev/stdout",
        "max_connections": gateway.max_connections,
        "max_heap": gateway.max_heap_bytes,
        "upload_idle": f"{gateway.upload_idle_s}s",
        "issuer": gateway.issuer,
        "audience": gateway.audience,
        "jwks_file": _absolute(gateway.jwks_file),
        "jwks_url": gateway.jwks_url,
        "cors_origins": [{"safe_regex": {"regex": origin}} for origin in gateway.cors_origins],
        "rate_limit": _rate_limit(gateway),
        "local_replies": mappers(gateway),
        "routes": [
            *redirect_routes(gateway),
            preflight_route(),
            *file_routes(gateway),
            *rest_routes(contract, gateway, transcoder),
            *grpc_routes(contract),
            nowhere(),
        ],
        "transcoder": transcoder,
        "strict_lua": script(contract, (files / "strict.lua").read_text()),
        "clusters": clusters(gateway),
    }
    return fill((files / "envoy.yaml").read_text(), truths, values)


def _absolute(path: Path | None) -> str | None:
    return None if path is None else str(path.absolute())


def _transcoder(contract: Contract, gateway: Gateway, descriptors: Path) -> dict:
    return {
        "@type": _TRANSCODER,
        "proto_descriptor": str(descriptors.absolute()),
        "services": [service.full_name for service in contract.services],
        "convert_grpc_status": True,
        "case_insensitive_enum_parsing": True,
        # Else the route is looked up again, under /package.Service/Method, and all that it says is lost.
        "match_incoming_request_route": True,
        # Browsers and Python write a space in a query as `+`.
        "query_param_unescape_plus": True,
        "print_options": {"always_print_primitive_fields": True, "stream_newline_delimited": True},
        # Of bodies that are held in one piece; streams of bytes have no limit here.
        "max_request_body_size": max(gateway.max_json_bytes, gateway.max_chunk_bytes),
        "max_response_body_size": 64 << 20,
        "request_validation_options": {
            "reject_unknown_method": True,
            "reject_unknown_query_parameters": True,
            "reject_binding_body_field_collisions": True,
        },
    }


def _rate_limit(gateway: Gateway) -> dict:
    """The filter's block. A limit that is not wanted is a bucket that never runs dry."""
    everybody = gateway.rate_limit or RateLimit(per_second=1_000_000_000, burst=1_000_000_000)
    block = {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit",
        "stat_prefix": "rate_limit",
        "token_bucket": _bucket(everybody),
        "filter_enabled": {"default_value": {"numerator": 100}},
        "filter_enforced": {"default_value": {"numerator": 100}},
        "rate_limited_as_resource_exhausted": True,
    }
    if gateway.rate_limit_per_address is None:
        return block
    return block | {
        "rate_limits": [{"actions": [{"remote_address": {}}]}],
        # An entry without a value stands for every address; each gets its own bucket.
        "descriptors": [
            {"entries": [{"key": "remote_address"}], "token_bucket": _bucket(gateway.rate_limit_per_address)}
        ],
        "max_dynamic_descriptors": 10_000,
    }


def _bucket(limit: RateLimit) -> dict:
    return {"max_tokens": limit.burst, "tokens_per_fill": limit.per_second, "fill_interval": "1s"}
