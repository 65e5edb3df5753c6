"""Settings of a running installation: read once from the environment, frozen, typed.

Every name is prefixed with ``YHTEYS_`` in the environment, e.g. ``YHTEYS_DATABASE_URL``.
What the installation *says* (topics, managers, languages) is content, not a setting.
"""

import secrets
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PACKAGE = Path(__file__).resolve().parent


def data_root() -> Path:
    """The folder that holds ``templates``, ``migrations`` and ``config``.

    In a checkout that is the repository's root; in an installed wheel, ``portal/_data``.
    """
    installed = PACKAGE / "_data"
    return installed if installed.is_dir() else PACKAGE.parent


def in_checkout() -> bool:
    """Whether the program runs from a checkout: a developer's machine, unless the environment says otherwise.

    An installed wheel is production, unless the environment says otherwise.
    """
    return not (PACKAGE / "_data").is_dir()


class SettingsFault(Exception):
    """The environment cannot be used; the message lists every fault at once."""


class Settings(BaseSettings):
    """Everything the environment decides. Durations are in seconds unless the name says otherwise."""

    model_config = SettingsConfigDict(env_prefix="YHTEYS_", frozen=True, extra="forbid")

    environment: Literal["production", "development"] = Field(
        default_factory=lambda: "development" if in_checkout() else "production"
    )
    secret_key: SecretStr = SecretStr("")
    database_url: str = ""
    data_dir: Path = Field(default_factory=lambda: data_root() / "var" if in_checkout() else Path("var"))
    content_dir: Path = Field(default_factory=lambda: data_root() / "config")
    public_url: str = ""
    trusted_proxies: int = Field(default=0, ge=0, le=5)
    limits_storage: str = "memory://"

    smtp_host: str = ""
    smtp_port: int = Field(default=25, ge=1, le=65535)
    smtp_security: Literal["none", "starttls", "tls"] = "starttls"
    smtp_username: str = ""
    smtp_password: SecretStr = SecretStr("")
    smtp_timeout: float = Field(default=10.0, gt=0)
    mail_sender: str = ""

    session_idle_minutes: int = Field(default=60, ge=5)
    session_hours: int = Field(default=10, ge=1)
    upload_limit_mb: int = Field(default=120, ge=55)
    decision_undo_minutes: int = Field(default=5, ge=0, le=120)

    @property
    def development(self) -> bool:
        return self.environment == "development"

    @property
    def secret_bytes(self) -> bytes:
        return self.secret_key.get_secret_value().encode()

    @property
    def storage_dir(self) -> Path:
        """Where attachments lie; outside any web root."""
        return self.data_dir / "files"

    @property
    def mail_capture_dir(self) -> Path | None:
        """Where letters are captured instead of sent; ``None`` once an SMTP host is set."""
        return None if self.smtp_host else self.data_dir / "mail"

    @model_validator(mode="after")
    def _production_is_complete(self) -> Self:
        if self.development:
            self._keep_letters_here()
            return self
        faults = [
            f"YHTEYS_{name.upper()}: {reason}"
            for name, missing, reason in (
                (
                    "secret_key",
                    len(self.secret_key.get_secret_value()) < 32,
                    "at least 32 random characters are needed",
                ),
                (
                    "database_url",
                    not self.database_url,
                    "the address of the database is needed",
                ),
                (
                    "public_url",
                    not self.public_url.startswith("https://"),
                    "the https:// address under which people reach the portal is needed",
                ),
                ("smtp_host", not self.smtp_host, "the mail server's host name is needed"),
                (
                    "mail_sender",
                    "@" not in self.mail_sender,
                    "the address that letters come from is needed",
                ),
            )
            if missing
        ]
        if faults:
            raise ValueError("\n".join(faults))
        return self

    def _keep_letters_here(self) -> None:
        """The managers are real people: a developer's machine talks to a mail server of its own or to none."""
        if self.smtp_host not in ("", "localhost", "::1") and not self.smtp_host.startswith("127."):
            raise ValueError("YHTEYS_SMTP_HOST: in development only a mail server on this machine may be named")


def _development_defaults(data_dir: Path) -> dict[str, object]:
    """Embedded defaults for a developer's machine; the secret survives a restart."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    secret = data_dir / "secret-key"
    if not secret.exists():
        secret.touch(mode=0o600)
        secret.write_text(secrets.token_urlsafe(48))
    return {
        "secret_key": SecretStr(secret.read_text()),
        "database_url": f"sqlite:///{data_dir.resolve() / 'portal.sqlite'}",
        "public_url": "http://127.0.0.1:8000",
        "mail_sender": "portal@localhost.localdomain",
    }


def load_settings() -> Settings:
    """Read the environment.

    Raises:
        SettingsFault: with one line a fault, when production lacks a value or a value has the wrong type.
    """
    try:
        settings = Settings()
    except ValidationError as error:
        raise SettingsFault(_readable(error)) from None
    if not settings.development:
        return settings
    missing = {
        name: value
        for name, value in _development_defaults(settings.data_dir).items()
        if name not in settings.model_fields_set
    }
    return settings.model_copy(update=missing)


def current() -> Settings:
    """The settings of the running application."""
    from flask import current_app

    loaded: Settings = current_app.extensions["yhteys.settings"]
    return loaded


def _readable(error: ValidationError) -> str:
    lines = []
    for fault in error.errors(include_url=False, include_input=False):
        name = "".join(f"YHTEYS_{str(part).upper()}: " for part in fault["loc"][:1])
        lines.append(name + str(fault["msg"]).removeprefix("Value error, "))
    return "\n".join(lines)
