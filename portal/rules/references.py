"""References and access codes: easy to read aloud, hard to mistype, impossible to guess.

The alphabet has no look-alikes (0 O, 1 I L, 2 Z, 5 S, 8 B, 6 G, U V are thinned to one of each at most) and
no vowels, so that no word can appear. It has 23 characters, a prime: a weighted sum modulo 23 finds every
single wrong character and every swap of two (the scheme of ISBN-10, with 23 for 11).
"""

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64encode

ALPHABET = "23456789CDFHJKMNPQRTVWX"
_VALUE = {character: value for value, character in enumerate(ALPHABET)}
_BASE = len(ALPHABET)
_BODY = 7
_PATTERN = re.compile(rf"^([A-Z]{{2,4}})(\d{{4}})([{ALPHABET}]{{{_BODY + 1}}})$")
_CODE_LENGTH = 12


def new_reference(prefix: str, year: int) -> str:
    """A fresh reference, e.g. ``KS-2026-7F3K-9QXD``; uniqueness is the database's to keep."""
    body = "".join(secrets.choice(ALPHABET) for _ in range(_BODY))
    whole = body + _check_character(year, body)
    return f"{prefix}-{year}-{whole[:4]}-{whole[4:]}"


def parse_reference(typed: str) -> str | None:
    """The reference in its one spelling, or ``None`` when it cannot be one: a character is wrong or swapped.

    Small letters, missing dashes and blanks are forgiven.
    """
    match = _PATTERN.match(re.sub(r"[\s\-‐-―]", "", typed[:64]).upper())
    if match is None:
        return None
    prefix, year, whole = match.groups()
    if _check_character(int(year), whole[:-1]) != whole[-1]:
        return None
    return f"{prefix}-{year}-{whole[:4]}-{whole[4:]}"


def _check_character(year: int, body: str) -> str:
    values = [int(digit) for digit in f"{year:04d}"] + [_VALUE[character] for character in body]
    return ALPHABET[sum(weight * value for weight, value in enumerate(values, start=2)) % _BASE]


def access_code(key: bytes, submission_token: str) -> str:
    """The sender's access code, e.g. ``7F3K-9QXD-2MPT``: 54 bits that only the key's holder can compute.

    It is derived, so that letters written later can carry it while the database holds its hash alone.
    """
    return _derived_code(key, b"access-code:" + submission_token.encode())


def draft_key(key: bytes, draft_token: str) -> str:
    """The part of a draft's address that nobody can guess; it comes by letter, and is derived as codes are."""
    digest = hmac.digest(key, b"draft-link:" + draft_token.encode(), "sha256")
    return urlsafe_b64encode(digest[:18]).decode()


def draft_code(key: bytes, draft_token: str) -> str:
    """The code that opens a draft together with its address, e.g. ``7F3K-9QXD-2MPT``; it is only shown on the page."""
    return _derived_code(key, b"draft-code:" + draft_token.encode())


def link_hash(key: bytes, link: str) -> str:
    """What is stored of a draft's address, in hex."""
    return hmac.new(key, b"link-hash:" + link.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def _derived_code(key: bytes, purpose: bytes) -> str:
    number = int.from_bytes(hmac.digest(key, purpose, "sha256"))
    characters = []
    for _ in range(_CODE_LENGTH):
        number, value = divmod(number, _BASE)
        characters.append(ALPHABET[value])
    code = "".join(characters)
    return f"{code[:4]}-{code[4:8]}-{code[8:]}"


def code_hash(key: bytes, code: str) -> str:
    """What is stored of a code, in hex; as typed by a person: small letters, blanks and dashes do not matter."""
    plain = re.sub(r"[\s\-‐-―]", "", code[:64]).upper()
    return hmac.new(key, b"code-hash:" + plain.encode(), hashlib.sha256).hexdigest()
