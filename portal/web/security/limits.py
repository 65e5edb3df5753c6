"""How often something may be tried: a table of named limits, counted in memory or in a shared store.

A limit on an account counts for a pair of account and network address, never for the account alone:
otherwise a stranger could lock its owner out.
"""

import hmac
import time
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

import structlog
from flask import Flask, current_app

from portal import settings

log = structlog.get_logger()

# Name: one or more windows; all of them must have room. A network address may stand for a whole office.
LIMITS: dict[str, tuple[str, ...]] = {
    "sign_in_address": ("40/15 minutes",),
    "sign_in_account_address": ("10/15 minutes", "40/day"),
    "inquiry_address": ("40/10 minutes",),
    "receipt_address": ("5/hour", "15/day"),
    "track_address": ("40/15 minutes",),
    "track_reference": ("10/15 minutes", "40/day"),
    "apply_address": ("400/10 minutes",),
    "draft_letter": ("4/hour", "12/day"),
    "draft_code": ("10/15 minutes", "40/day"),
    "sender_reply": ("10/10 minutes", "60/day"),
}

_STORE_SECONDS = 1.0
_SWEEP_SECONDS = 30.0


def init_app(app: Flask) -> None:
    """Refuse a store that cannot be used before the first visitor meets it.

    Raises:
        limits.errors.ConfigurationError: the address of the store is wrong, or its driver is not installed.
    """
    loaded: settings.Settings = app.extensions["yhteys.settings"]
    app.extensions["yhteys.limits"] = _Limits(loaded.limits_storage)


def allow(name: str, *keys: str) -> bool:
    """Count a try and say whether it may go ahead.

    A store that is out of order stops nobody. Keys (addresses, references) are kept as keyed hashes.

    Args:
        name: a name of the table.
        keys: what is counted, together; an IPv6 address stands for its network of 64 bits.
    """
    counting: _Limits = current_app.extensions["yhteys.limits"]
    return counting.hit(name, _digest(name, keys))


class _Limits:
    """The table over a store."""

    def __init__(self, address: str) -> None:
        from limits import parse
        from limits.errors import StorageError
        from limits.strategies import MovingWindowRateLimiter

        self._fault = StorageError
        self._windows = {name: [parse(text) for text in texts] for name, texts in LIMITS.items()}
        self._limiter = MovingWindowRateLimiter(_store(address))

    def hit(self, name: str, digest: str) -> bool:
        try:
            return all(self._limiter.hit(window, name, digest) for window in self._windows[name])
        except self._fault as error:
            log.warning("limits_unavailable", limit=name, error=type(error.storage_error).__name__)
            return True


def _store(address: str) -> Any:
    from limits.storage import MemoryStorage, storage_from_string

    if not address.startswith("memory://"):
        # A store that does not answer must not hold a visitor up for long.
        waits: Any = {"socket_timeout": _STORE_SECONDS, "socket_connect_timeout": _STORE_SECONDS}
        return storage_from_string(address, wrap_exceptions=True, **waits)

    class ProcessMemory(MemoryStorage):
        """The library's store looks through all keys, in a thread made for it, at every single hit.

        A flood from many addresses would make each hit dearer than the last; twice a minute is enough.
        """

        STORAGE_SCHEME = []  # noqa: RUF012  (so that it does not take the place of the library's own)
        _swept_at = 0.0

        def _MemoryStorage__schedule_expiry(self) -> None:
            if time.monotonic() - self._swept_at > _SWEEP_SECONDS:
                self._swept_at = time.monotonic()
                super()._MemoryStorage__schedule_expiry()  # type: ignore[misc]

    return ProcessMemory(wrap_exceptions=True)


def _digest(name: str, keys: tuple[str, ...]) -> str:
    whole = "\x1f".join(("limit", name, *(_network(key) for key in keys)))
    return hmac.digest(settings.current().secret_bytes, whole.encode("utf-8", "replace"), "sha256").hex()[:32]


def _network(key: str) -> str:
    """An IPv6 address as its network, since one subscriber has all of it; anything else as it is."""
    if ":" not in key:
        return key
    try:
        address = ip_address(key.partition("%")[0])
    except ValueError:
        return key
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return str(ip_network((address, 64), strict=False))
    return key
