"""Hashes of passwords: argon2id with the parameters that OWASP names (19 MiB, two passes, one lane).

A hash takes about fifteen milliseconds and 19 MiB. Never make or check one inside a transaction, nor before
the limits were asked.
"""

import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from argon2 import PasswordHasher

MEMORY_KIB = 19_456
PASSES = 2
LANES = 1
NORMAL_FORM: Literal["NFKD"] = "NFKD"
"""Keyboards send ``ä`` as one character or as two; the same password must be the same bytes."""


def hash_password(password: str) -> str:
    """What is stored of a password."""
    return _hasher().hash(_normal(password))


def verify_password(stored: str | None, password: str) -> bool:
    """Whether the password is the one that was stored. Without a stored one the answer is no, in the same time."""
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        matches = _hasher().verify(stored or _nobodys_hash(), _normal(password))
    except (VerificationError, InvalidHashError):
        return False
    return matches and stored is not None


def _normal(password: str) -> bytes:
    return unicodedata.normalize(NORMAL_FORM, password).encode("utf-8", "replace")


@lru_cache
def _hasher() -> "PasswordHasher":
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)


@lru_cache
def _nobodys_hash() -> str:
    return _hasher().hash(b"nobody's password")
