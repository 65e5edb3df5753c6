"""Which passwords will do: long ones that are not the person's own name and not on everybody's list."""

import unicodedata
from itertools import pairwise
from typing import Literal

FEWEST_CHARACTERS = 12
MOST_CHARACTERS = 256

Fault = Literal["too_short", "too_long", "personal", "common", "unchanged"]

# Twelve characters rule most of the usual lists out. What is left is these, once repeated words, digits and
# marks at the end are taken away.
_COMMON = frozenset(
    "password passwort passw0rd p@ssw0rd p@ssword salasana losenord lösenord kennwort motdepasse contrasena "
    "welcome tervetuloa valkommen välkommen letmein changeme secret salaisuus hemligt admin administrator master "
    "qwerty qwertyuiop qwertyuiopå asdfgh asdfghjkl asdfghjklöä zxcvbn zxcvbnm qazwsx qazwsxedc 1qaz2wsx 1q2w3e4r "
    "iloveyou rakastan sunshine princess football jalkapallo superman batman dragon monkey perkele saatana "
    "kesä summer sommar talvi winter vinter suomi finland helsinki jyvaskyla jyväskylä keskisuomi abcdefghijkl "
    "abc abcd abcdef correcthorsebatterystaple trustno starwars internet computer tietokone".split()
)


def password_fault(password: str, *, email: str, name: str) -> Fault | None:
    """Why a password will not do, or ``None`` when it will."""
    if len(password) < FEWEST_CHARACTERS:
        return "too_short"
    if len(password) > MOST_CHARACTERS:
        return "too_long"
    plain = _plain(password)
    if any(part in plain and len(plain.replace(part, "")) < FEWEST_CHARACTERS // 2 for part in _own(email, name)):
        return "personal"
    if _is_common(plain):
        return "common"
    return None


def _own(email: str, name: str) -> set[str]:
    """The address, the parts before and after its @ sign, the name, and the parts of both that say something."""
    local, _, domain = email.partition("@")
    words = {email, local, domain, name, name.replace(" ", ""), "".join(reversed(name.split()))}
    for text in (local, domain, name):
        words.update(text.replace(".", " ").replace("-", " ").replace("_", " ").split())
    return {_plain(word) for word in words if len(word) >= 4}


def _is_common(plain: str) -> bool:
    bare = plain.strip("0123456789 !?.,-_*#")
    without_marks = "".join(character for character in plain if character.isalnum())
    return len(set(plain)) < 5 or _is_run(without_marks) or _unit(bare) in _COMMON or _unit(without_marks) in _COMMON


def _is_run(text: str) -> bool:
    """Whether it counts up or down: 123456789012, abcdefghijkl."""
    steps = {(ord(after) - ord(before)) % 10 for before, after in pairwise(text)}
    return len(steps) == 1 and (text.isdigit() or text.isalpha())


def _unit(text: str) -> str:
    """The part that a text repeats, e.g. ``salasana`` of ``salasanasalasana``."""
    position = (text + text).find(text, 1) if text else 0
    return text[:position]


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
