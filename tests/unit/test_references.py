"""References and access codes."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from portal.rules.references import (
    ALPHABET,
    access_code,
    code_hash,
    new_reference,
    parse_reference,
)

references = st.builds(new_reference, st.sampled_from(["KS", "KSL", "AB"]), st.integers(2024, 2099))


@given(references)
def test_a_reference_reads_back_however_it_is_typed(reference: str) -> None:
    assert parse_reference(reference) == reference
    assert parse_reference(reference.lower().replace("-", " ")) == reference
    assert parse_reference(f"  {reference.replace('-', '')}  ") == reference


@given(references, st.data())
def test_one_wrong_character_is_always_noticed(reference: str, data: st.DataObject) -> None:
    place = data.draw(st.sampled_from([i for i, c in enumerate(reference) if i >= 8 and c != "-"]))
    wrong = data.draw(st.sampled_from([c for c in ALPHABET if c != reference[place]]))
    assert parse_reference(reference[:place] + wrong + reference[place + 1 :]) is None


@given(references, st.data())
def test_two_swapped_neighbours_are_always_noticed(reference: str, data: st.DataObject) -> None:
    body = [i for i, c in enumerate(reference) if i >= 8 and c != "-"]
    first, second = data.draw(st.sampled_from(list(itertools.pairwise(body))))
    swapped = list(reference)
    swapped[first], swapped[second] = swapped[second], swapped[first]
    typed = "".join(swapped)
    assert typed == reference or parse_reference(typed) is None


def test_the_alphabet_has_no_look_alikes_and_spells_no_words() -> None:
    assert not set(ALPHABET) & set("AEIOUY01LZSBG")
    assert len(set(ALPHABET)) == len(ALPHABET) == 23


def test_what_is_no_reference_is_none() -> None:
    for typed in ("", "KS-2026", "KS-2026-AAAA-AAAA", "' OR 1=1 --", "KS-2026-7F3K-9QX", "\x00", "K" * 500):
        assert parse_reference(typed) is None


def test_a_code_needs_the_key_and_its_hash_forgives_spelling() -> None:
    code = access_code(b"key", "token")
    assert code == access_code(b"key", "token")
    assert code != access_code(b"other key", "token")
    assert code != access_code(b"key", "other token")
    assert code_hash(b"key", code) == code_hash(b"key", code.lower().replace("-", " "))
    assert code not in code_hash(b"key", code)
    assert set(code) <= set(ALPHABET) | {"-"}
