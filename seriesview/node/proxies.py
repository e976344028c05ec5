"""What a proxy in front of the node says of a request: the name and scheme that its client used, and who that is."""

import ipaddress
import re
from collections.abc import Sequence

from starlette.types import Scope

from seriesview.errors import NodeError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_HOST = re.compile(r"[A-Za-z0-9.:\[\]_-]{1,255}", re.ASCII)
_MARK = "is_forwarded"
_FORWARDED = (b"x-forwarded-proto", b"x-forwarded-host", b"x-forwarded-for")


def parse_proxies(addresses: Sequence[str]) -> tuple[Network, ...]:
    """Return the networks of proxies that are trusted: addresses, or ADDRESS/BITS; raises NodeError."""
    networks = []
    for address in addresses:
        try:
            networks.append(ipaddress.ip_network(address))
        except ValueError:
            raise NodeError(
                f"--trusted-proxy {address:.80} is no address; 127.0.0.1 or 10.0.0.0/24 is expected"
            ) from None
    return tuple(networks)


class ForwardedError(Exception):
    """A proxy says something that cannot be."""


def forwarded(scope: Scope, proxies: tuple[Network, ...]) -> Scope:
    """Return a request as its client made it, where it came through a proxy that is trusted; else as it is.

    Raises ForwardedError.
    """
    client = scope.get("client")
    if not proxies or client is None or not _is_in(client[0], proxies):
        return scope
    said: dict[bytes, list[str]] = {name: [] for name in _FORWARDED}
    for name, value in scope["headers"]:
        if name in said:
            said[name].append(value.decode("latin-1").strip())
    scheme, host, through = (said[name] for name in _FORWARDED)
    if not (scheme or host or through):
        return scope
    changed = dict(scope)
    if scheme:
        if scheme not in (["http"], ["https"]):
            raise ForwardedError("X-Forwarded-Proto must be http or https, once")
        changed["scheme"] = scheme[0]
    if host:
        if len(host) > 1 or not _HOST.fullmatch(host[0]):
            raise ForwardedError("X-Forwarded-Host must be one name")
        others = [(name, value) for name, value in scope["headers"] if name != b"host"]
        changed["headers"] = [*others, (b"host", host[0].encode())]
    changed["client"] = (_client(",".join(through), proxies), 0)
    changed["state"] = {**scope.get("state", {}), _MARK: True}
    return changed


def is_forwarded(scope: Scope) -> bool:
    """Return whether a request came through a trusted proxy."""
    return bool(scope.get("state", {}).get(_MARK))


def _client(through: str, proxies: tuple[Network, ...]) -> str:
    """The last address that no trusted proxy has; empty where none is known, so that nobody is taken for local."""
    for address in reversed(through.split(",")):
        address = address.strip()
        if not _is_in(address, proxies):
            return address if _is_address(address) else ""
    return ""


def _is_in(address: str, networks: tuple[Network, ...]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    plain = getattr(parsed, "ipv4_mapped", None) or parsed
    return any(plain in network for network in networks)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
