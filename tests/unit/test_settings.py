"""Settings: production is complete or does not start; a developer's machine keeps its letters."""

from pathlib import Path

import pytest

from portal.settings import SettingsFault, load_settings

PRODUCTION = {
    "ENVIRONMENT": "production",
    "SECRET_KEY": "x" * 40,
    "DATABASE_URL": "sqlite:////tmp/never-opened.sqlite",
    "PUBLIC_URL": "https://portal.example.org",
    "SMTP_HOST": "mail.example.org",
    "MAIL_SENDER": "portal@example.org",
}


def set_environment(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    for name, value in values.items():
        monkeypatch.setenv(f"YHTEYS_{name}", value)


def test_production_names_every_missing_value_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch, ENVIRONMENT="production")
    with pytest.raises(SettingsFault) as fault:
        load_settings()
    for name in ("SECRET_KEY", "DATABASE_URL", "PUBLIC_URL", "SMTP_HOST", "MAIL_SENDER"):
        assert f"YHTEYS_{name}" in str(fault.value)


def test_complete_production_starts_and_sends(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch, **PRODUCTION)
    settings = load_settings()
    assert not settings.development
    assert settings.mail_capture_dir is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", "short"),
        ("PUBLIC_URL", "http://portal.example.org"),
        ("MAIL_SENDER", "nobody"),
        ("SMTP_PORT", "x"),
    ],
)
def test_a_bad_value_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    set_environment(monkeypatch, **{**PRODUCTION, name: value})
    with pytest.raises(SettingsFault, match=f"YHTEYS_{name}"):
        load_settings()


def test_a_checkout_is_a_developers_machine_whose_secret_survives(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    set_environment(monkeypatch, DATA_DIR=str(tmp_path))
    first, again = load_settings(), load_settings()
    assert first.development
    assert first.secret_key == again.secret_key
    assert (tmp_path / "secret-key").stat().st_mode & 0o077 == 0
    assert first.mail_capture_dir == tmp_path / "mail"


def test_a_developers_machine_sends_no_mail_elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    set_environment(monkeypatch, DATA_DIR=str(tmp_path), SMTP_HOST="mail.example.org")
    with pytest.raises(SettingsFault, match="YHTEYS_SMTP_HOST"):
        load_settings()
    set_environment(monkeypatch, SMTP_HOST="127.0.0.1")
    assert load_settings().smtp_host == "127.0.0.1"
