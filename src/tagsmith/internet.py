"""Which hosts belong to the public internet, by the addresses that they have."""

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from tagsmith.errors import DataError

SHOWN = 80  # letters of what somebody sent, in a message
# IPv6 addresses with an IPv4 address inside, to which some gateway would lead.
GATEWAYS = (IPv6Network("64:ff9b::/96"), IPv6Network("2002::/16"))


def public_address(host: str, port: int) -> str:
    """Look a host up, and return an address of it.

    Raises:
        DataError: It has none, or one that is not public.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise DataError(
            f"host {shown(host)!r} is not known; is it spelt so?"
        ) from error
    addresses = [str(place[0]) for *_, place in found]
    if not addresses or not all(map(is_public, addresses)):
        raise DataError(
            f"host {shown(host)!r} is not on the public internet, and nothing else is "
            "fetched; send the recording itself"
        )
    return addresses[0]


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet, whatever it wraps."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return _is_global(parsed.ipv4_mapped)
        if parsed.is_site_local or any(parsed in each for each in GATEWAYS):
            return False
    return _is_global(parsed)


def shown(text: str) -> str:
    """Return the beginning of what somebody sent, for a message."""
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _is_global(address: IPv4Address | IPv6Address) -> bool:
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not address.is_unspecified
    )
