"""The servers behind the gateway, as Envoy's clusters."""

from __future__ import annotations

import ipaddress
import ssl
from urllib.parse import urlsplit

from threed.local.gateway.settings import MIB, Gateway, split_address

_HTTP = "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
_TLS = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"


def clusters(gateway: Gateway) -> list[dict]:
    """One for each kind of server that the settings name."""
    found = [_grpc(gateway)]
    if gateway.blobs:
        found.append(_cluster("blobs", gateway.blobs))
    if gateway.s3:
        found.append(_cluster("s3", gateway.s3))
    if gateway.jwks_url:
        found.append(_jwks(gateway))
    return found


def _cluster(name: str, *addresses: str) -> dict:
    return {
        "name": name,
        "type": "STATIC" if all(map(_is_literal, addresses)) else "STRICT_DNS",
        # Servers listen on IPv4 alone more often than on IPv6 alone, and "localhost" is both.
        "dns_lookup_family": "V4_PREFERRED",
        "connect_timeout": "1s",
        "lb_policy": "LEAST_REQUEST",
        "per_connection_buffer_limit_bytes": MIB,
        "circuit_breakers": {
            "thresholds": [{"max_connections": 1024, "max_pending_requests": 10_000, "max_requests": 20_000}]
        },
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": _address(each)}} for each in addresses]}],
        },
    }


def _is_literal(address: str) -> bool:
    host, _ = split_address(address)
    if host.startswith("unix:"):
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _address(address: str) -> dict:
    host, port = split_address(address)
    if host.startswith("unix:"):
        return {"pipe": {"path": host.removeprefix("unix:")}}
    return {"socket_address": {"address": host, "port_value": port}}


def _grpc(gateway: Gateway) -> dict:
    windows = {"initial_stream_window_size": MIB, "initial_connection_window_size": 16 * MIB}
    return _cluster("grpc", *gateway.grpc) | {
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": _HTTP,
                "explicit_http_config": {"http2_protocol_options": windows},
            }
        },
        # Fast enough that a restarted server is found within two seconds.
        "health_checks": [
            {
                "timeout": "1s",
                "interval": "1s",
                "no_traffic_interval": "1s",
                "unhealthy_threshold": 2,
                "healthy_threshold": 1,
                "grpc_health_check": {},
            }
        ],
        # With no healthy server left, say so instead of trying the sick ones.
        "common_lb_config": {"healthy_panic_threshold": {"value": 0}},
    }


def _jwks(gateway: Gateway) -> dict:
    url = urlsplit(gateway.jwks_url)
    secure = url.scheme == "https"
    host = f"[{url.hostname}]" if ":" in url.hostname else url.hostname
    cluster = _cluster("jwks", f"{host}:{url.port or (443 if secure else 80)}")
    if secure:
        cluster["transport_socket"] = {
            "name": "envoy.transport_sockets.tls",
            "typed_config": {"@type": _TLS, "sni": url.hostname, "common_tls_context": _vouched(gateway, url.hostname)},
        }
    return cluster


def _vouched(gateway: Gateway, host: str) -> dict:
    authorities = gateway.jwks_authorities or ssl.get_default_verify_paths().cafile
    if not authorities:
        raise ValueError("jwks_url is https and this machine has no bundle of authorities. Give jwks_authorities.")
    kind = "IP_ADDRESS" if _is_literal(f"{host}:443" if ":" not in host else f"[{host}]:443") else "DNS"
    names = [{"san_type": kind, "matcher": {"exact": host}}]
    return {
        "validation_context": {
            "trusted_ca": {"filename": str(authorities)},
            "match_typed_subject_alt_names": names,
        }
    }
