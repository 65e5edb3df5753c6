"""'Can I come?': what the content knows about a person's situation. Pure; it informs and never decides."""

from collections.abc import Iterable
from dataclasses import astuple, dataclass

from portal.content.schema import Advice, Background, Citizenship, Length, Outlook, Pay

_STRICTEST_FIRST: tuple[Outlook, ...] = ("no", "conditions", "yes")


@dataclass(frozen=True)
class Situation:
    """What somebody answered."""

    citizenship: Citizenship
    background: Background
    pay: Pay
    length: Length


@dataclass(frozen=True)
class Finding:
    """All advice for a situation in the order of the content, and the strictest outlook among it."""

    outlook: Outlook
    advice: tuple[Advice, ...]


def look_up(known: Iterable[Advice], situation: Situation) -> Finding:
    """What is known for a situation.

    Where nothing says what to expect the outlook is ``conditions``: nobody is promised or refused anything by
    silence.
    """
    advice = tuple(item for item in known if item.covers(*astuple(situation)))
    outlooks = {item.outlook for item in advice}
    outlook: Outlook = next((step for step in _STRICTEST_FIRST if step in outlooks), "conditions")
    return Finding(outlook, advice)
