"""Which passwords will do."""

import pytest

from portal.rules.passwords import Fault, password_fault

PERSON = {"email": "hannu.koponen@keskisuomi.example", "name": "Hannu Koponen"}


@pytest.mark.parametrize(
    "password",
    [
        "correct-horse-7-battery",
        "neljä sanaa riittää hyvin",
        "a1b2-c3d4-e5f6-0718",
        "Koponen asuu järven rannalla",
        "パスワードは長いほうがいいです",
        "kissa istuu puussa",
    ],
)
def test_a_long_password_of_ones_own_will_do(password: str) -> None:
    assert password_fault(password, **PERSON) is None


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("", "too_short"),
        ("elevenchars", "too_short"),
        ("x" * 257, "too_long"),
        ("hannu.koponen@keskisuomi.example", "personal"),
        ("HannuKoponen1", "personal"),
        ("koponenhannu!", "personal"),
        ("Hannu Koponen", "personal"),
        ("keskisuomi2026", "personal"),
        ("password1234", "common"),
        ("Salasana2026!", "common"),
        ("salasanasalasana", "common"),
        ("qwertyuiop123", "common"),
        ("123456789012", "common"),
        ("987654321098", "common"),
        ("abcdefghijkl", "common"),
        ("aaaaaaaaaaaaaa", "common"),
        ("abababababab", "common"),
        ("lösenordlösenord", "common"),
        ("correct horse battery staple", "common"),
    ],
)
def test_what_others_would_guess_will_not(password: str, fault: Fault) -> None:
    assert password_fault(password, **PERSON) == fault
