"""Which topic a message is about, read from its words. Pure, offline, the same answer every time.

A message is compared with what the edition says about each topic: its texts, keywords and example messages, in
every language at once, since people do not always write in the language of the page. Words are cut into pieces of
three to five letters, so that inflected forms, compounds and typing errors still share most of their pieces; a piece
weighs the more the fewer topics use it (tf-idf over topics and texts). A topic's score is how near the message comes
to the topic as a whole and to the three texts of it that are nearest, as cosines: 0 is nothing in common, 1 the same.

`triage` takes part like a topic, by examples of what nobody here answers.
"""

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from portal.content.schema import TRIAGE, Content

SHOWN = 3
"""How many topics are suggested."""

CLEAR_SCORE = 0.12
"""Below it a message is about nothing we know. Chosen by leaving out each example in turn: 97 of 100 messages to a
manager stay right, 86 of 100 about other things go to triage."""

WORTH_SHOWING = 0.09
"""Below it a topic is not even shown to the sender, who can judge better than we can."""

READ_CHARACTERS = 2_000
"""How much of a message is read; what it is about is said by then."""

_PIECES = (3, 4, 5)
_WHOLE, _NEAREST = 0.3, 0.7
_NEAR = 3
_WORD = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*")
_TITLE, _SUMMARY, _PARAGRAPH, _EXAMPLE = 1.5, 1.0, 0.5, 1.0

Vector = dict[str, float]


@dataclass(frozen=True)
class Suggestion:
    """A topic (or ``triage``), its score, and the words of the message that spoke for it, the strongest first."""

    topic: str
    score: float
    words: tuple[str, ...]


@dataclass(frozen=True)
class _Text:
    topic: str
    weight: float
    text: str


@lru_cache(maxsize=4)
def suggester(content: Content) -> "Suggester":
    """The suggester of an edition, made once: half a second of work."""
    return Suggester(content)


class Suggester:
    """Compares messages with the topics of one edition."""

    def __init__(self, content: Content) -> None:
        self._rarity, vectors = _weigh(list(_texts(content)))
        self._whole = _wholes(vectors)
        self._texts = [topic for topic, _, _ in vectors]
        self._places: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for number, (_, _, vector) in enumerate(vectors):
            for piece, weight in vector.items():
                self._places[piece].append((number, weight))

    def suggest(self, text: str) -> tuple[Suggestion, ...]:
        """The topics that a message may be about, the nearest first; none for a text without words."""
        words = _words(text[:READ_CHARACTERS])
        vector = _vector(Counter(piece for word in words for piece in _pieces(word)), self._rarity)
        near = self._near(vector)
        scores = {topic: self._score(topic, vector, near[topic]) for topic in self._whole}
        best = sorted(
            (topic for topic, score in scores.items() if score > 0), key=lambda topic: (-scores[topic], topic)
        )
        return tuple(
            Suggestion(topic, round(scores[topic], 4), self._spoke_for(topic, words, vector)) for topic in best[:SHOWN]
        )

    def _near(self, vector: Vector) -> dict[str, list[float]]:
        found: dict[int, float] = defaultdict(float)
        for piece, weight in vector.items():
            for number, there in self._places.get(piece, ()):
                found[number] += weight * there
        near: dict[str, list[float]] = defaultdict(list)
        for number, likeness in found.items():
            near[self._texts[number]].append(likeness)
        return near

    def _score(self, topic: str, vector: Vector, near: list[float]) -> float:
        whole = self._whole[topic]
        likeness = sum(weight * whole.get(piece, 0.0) for piece, weight in vector.items())
        return _WHOLE * likeness + _NEAREST * sum(sorted(near, reverse=True)[:_NEAR]) / _NEAR

    def _spoke_for(self, topic: str, words: list[str], vector: Vector) -> tuple[str, ...]:
        """The words whose pieces the topic uses most."""
        whole = self._whole[topic]
        said = {
            word: sum(vector.get(piece, 0.0) * whole.get(piece, 0.0) for piece in _pieces(word))
            for word in dict.fromkeys(words)
        }
        strongest = sorted(said, key=lambda word: (-said[word], word))[:4]
        least = said[strongest[0]] / 4 if strongest else 0.0
        return tuple(word for word in strongest if said[word] > least)


def clear_choice(suggestions: Iterable[Suggestion]) -> str:
    """The topic that a message is clearly about, else ``triage``."""
    first = next(iter(suggestions), None)
    return first.topic if first is not None and first.score >= CLEAR_SCORE else TRIAGE


def _texts(content: Content) -> Iterator[_Text]:
    for topic in content.topics:
        yield from (_Text(topic.slug, _TITLE, text) for text in topic.title.values())
        yield from (_Text(topic.slug, _SUMMARY, text) for text in topic.summary.values())
        for body in (topic.body or {}).values():
            yield from (_Text(topic.slug, _PARAGRAPH, paragraph) for paragraph in body.split("\n\n"))
    for programme in content.programmes:
        for code, title in programme.title.items():
            yield _Text(programme.topic, _SUMMARY, f"{title}. {programme.summary[code]}")
    for examples in content.examples:
        for texts in (*examples.keywords.values(), *examples.sentences.values()):
            yield from (_Text(examples.topic, _EXAMPLE, text) for text in texts)


def _words(text: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFC", text).lower())


@lru_cache(maxsize=20_000)
def _pieces(word: str) -> tuple[str, ...]:
    """The word itself, and every stretch of three to five letters of it with its ends marked."""
    marked = f"^{word}$"
    cut = [marked[start : start + size] for size in _PIECES for start in range(len(marked) - size + 1)]
    return (f"={word}", *cut)


def _weigh(texts: list[_Text]) -> tuple[Vector, list[tuple[str, float, Vector]]]:
    """How much each piece says, and the texts as vectors, each with its topic and weight."""
    counted = [Counter(piece for word in _words(text.text) for piece in _pieces(word)) for text in texts]
    in_texts: Counter[str] = Counter()
    in_topics: dict[str, set[str]] = defaultdict(set)
    for text, pieces in zip(texts, counted, strict=True):
        in_texts.update(pieces.keys())
        for piece in pieces:
            in_topics[piece].add(text.topic)
    topics = len({text.topic for text in texts})
    rarity = {
        piece: math.log(1 + topics / len(in_topics[piece])) * math.sqrt(math.log(1 + len(texts) / times))
        for piece, times in in_texts.items()
    }
    vectors = [_vector(pieces, rarity) for pieces in counted]
    return rarity, [(text.topic, text.weight, vector) for text, vector in zip(texts, vectors, strict=True)]


def _vector(pieces: Counter[str], rarity: Vector) -> Vector:
    """Weights of the pieces, of length one; pieces that no topic uses make it longer, and so count against all."""
    unknown = max(rarity.values(), default=1.0) / 2
    weights = {piece: (1 + math.log(times)) * rarity.get(piece, unknown) for piece, times in pieces.items()}
    length = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
    return {piece: weight / length for piece, weight in weights.items() if piece in rarity}


def _wholes(vectors: list[tuple[str, float, Vector]]) -> dict[str, Vector]:
    """Each topic as one vector of length one; roots keep an often repeated piece from drowning the others."""
    sums: dict[str, Vector] = defaultdict(lambda: defaultdict(float))
    for topic, importance, vector in vectors:
        for piece, weight in vector.items():
            sums[topic][piece] += importance * weight
    wholes = {}
    for topic, pieces in sums.items():
        length = math.sqrt(sum(pieces.values()))
        wholes[topic] = {piece: math.sqrt(weight) / length for piece, weight in pieces.items()}
    return wholes
