"""WSGI middleware that takes X-Forwarded headers from trusted proxies only."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING

from werkzeug.middleware.proxy_fix import ProxyFix

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Network = IPv4Network | IPv6Network


def parse_network(text: str) -> Network:
    """Return an address or a network, such as ``10.0.0.0/8``; ValueError if it is neither."""
    return ip_network(text.strip())


class TrustedProxies:
    """WSGI middleware that takes X-Forwarded-For, -Proto, -Host and -Prefix from some peers.

    Args:
        app: The application.
        networks: The addresses of the trusted proxies. Only the last value of a header counts,
            because the proxy itself has set or added it.
    """

    def __init__(self, app: WSGIApplication, networks: Iterable[Network]) -> None:
        self._app = app
        self._behind_a_proxy = ProxyFix(app, x_for=1, x_proto=1, x_host=1, x_prefix=1)
        self._networks = tuple(networks)

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Answer one request."""
        app = self._behind_a_proxy if self._trusts(environ) else self._app
        return app(environ, start_response)

    def _trusts(self, environ: WSGIEnvironment) -> bool:
        try:
            peer = ip_address(environ.get("REMOTE_ADDR", ""))
        except ValueError:  # a Unix socket
            return False
        if peer.version == 6 and peer.ipv4_mapped is not None:
            peer = peer.ipv4_mapped
        return any(peer in network for network in self._networks)
