"""Configuration: valid values, and the error line for each invalid one."""

from __future__ import annotations

import os
import secrets
import stat
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from dotenv import dotenv_values

from config import Config, ConfigError
from tests.processes import free_port
from tests.servers import ROOT, Server

LONG = "kWq3Zt8-Yb1Lr6Vx4Nc9Hd2Jf7Gm5Ps0"
OTHER = "u7Tn2Ae5-Rk9Cw1Qz4Bv8Mh3Xj6Dy0Lg"
PRODUCTION = {"APP_ENV": "production", "SECRET_KEY": LONG, "JWT_SECRET_KEY": OTHER}


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Config]:
    """Read an environment of the test's own."""
    return lambda **environ: Config.from_env({"INSTANCE_DIR": str(tmp_path), **environ})


def faults(read: Callable[..., Config], **environ: str) -> list[str]:
    with pytest.raises(ConfigError) as error:
        read(**environ)
    return error.value.faults


@pytest.mark.parametrize(
    ("environ", "begin"),
    [
        ({"APP_ENV": "prod"}, "APP_ENV must be one of development, production, testing"),
        ({"PORT": "0"}, "PORT must be a whole number from 1 to 65535"),
        ({"PORT": "65536"}, "PORT must be"),
        ({"PORT": "８０"}, "PORT must be"),
        ({"PORT": "http"}, "PORT must be"),
        ({"PORT": "-1"}, "PORT must be"),
        ({"WEB_CONCURRENCY": "0"}, "WEB_CONCURRENCY must be"),
        ({"TRUSTED_PROXIES": "11"}, "TRUSTED_PROXIES must be"),
        ({"DATABASE_POOL_SIZE": "1"}, "DATABASE_POOL_SIZE must be"),
        ({"MAX_JSON_BYTES": "10"}, "MAX_JSON_BYTES must be"),
        ({"MAX_UPLOAD_BYTES": "1e9"}, "MAX_UPLOAD_BYTES must be"),
        ({"SMS_GATEWAY": "pigeon"}, "SMS_GATEWAY must be one of"),
        ({"SMS_GATEWAY": "webhook"}, "SMS_GATEWAY=webhook needs SMS_WEBHOOK_URL"),
        ({"SMS_WEBHOOK_URL": "sms.example.com"}, "SMS_WEBHOOK_URL must be an address"),
        ({"SMS_WEBHOOK_URL": "https://[sms"}, "SMS_WEBHOOK_URL must be an address"),
        ({"SMS_COUNTRIES": "46,SE"}, "SMS_COUNTRIES: 'SE' is no country calling code"),
        (
            {"SMS_GATEWAY": "twilio", "TWILIO_AUTH_TOKEN": "t", "TWILIO_FROM": "+1500"},
            "SMS_GATEWAY=twilio needs TWILIO_A",
        ),
        ({"TWILIO_ACCOUNT_SID": "AC/../x"}, "TWILIO_ACCOUNT_SID must begin with AC"),
        ({"TWILIO_FROM": "a name that is too long"}, "TWILIO_FROM must be"),
        ({"SMTP_URL": "mail.example.com"}, "SMTP_URL must be"),
        ({"SMTP_URL": "smtp://user:p@ss:x@host:port"}, "SMTP_URL must be"),
        ({"SMTP_URL": "smtp://host?tls=1"}, "SMTP_URL takes ?starttls=1"),
        ({"SMTP_URL": "smtp://u:hunter2@mail.example.com"}, "SMTP_URL would send its password unencrypted"),
        ({"SMTP_URL": "smtp://u:hunter2@10.0.0.1:587"}, "SMTP_URL would send its password unencrypted"),
        ({"SMTP_URL": "smtp://u@mail.example.com"}, "SMTP_URL would send its password unencrypted"),
        ({"SMTP_URL": "smtp://:hunter2@localhost.example.com"}, "SMTP_URL would send its password unencrypted"),
        ({"SENTRY_DSN": "hunter2"}, "SENTRY_DSN must be"),
        ({"SENTRY_DSN": "https://sentry.example.com/1"}, "SENTRY_DSN must be"),
        ({"SENTRY_DSN": "https://hunter2@sentry.example.com/project"}, "SENTRY_DSN must be"),
        ({"MAIL_FROM": "Confab"}, "MAIL_FROM must be"),
        ({"MAIL_FROM": "Confab <a@b>\r\nBcc: x@y"}, "MAIL_FROM must be"),
        ({"LOG_LEVEL": "loud"}, "LOG_LEVEL must be one of"),
        ({"RATE_LIMITS": "maybe"}, "RATE_LIMITS must be one of on, off"),
        ({"COMMON_PASSWORDS": "no"}, "COMMON_PASSWORDS must be one of allow, refuse"),
        ({"DATABASE_URL": "mysql://localhost/x"}, "DATABASE_URL must begin with"),
        ({"DATABASE_URL": "sqlite://"}, "DATABASE_URL must begin with"),
        ({"DATABASE_URL": "sqlite:///:memory:"}, "DATABASE_URL must name a file"),
        ({"REDIS_URL": "localhost:6379"}, "REDIS_URL must begin with"),
        ({"CORS_ORIGINS": "*"}, "CORS_ORIGINS: '*' is no origin"),
        ({"CORS_ORIGINS": "https://a.example/"}, "CORS_ORIGINS:"),
        ({"CORS_ORIGINS": "https://a.example|https://b.example"}, "CORS_ORIGINS:"),
        ({"CORS_ORIGINS": "app.example.com"}, "CORS_ORIGINS:"),
        ({**PRODUCTION, "SECRET_KEY": ""}, "SECRET_KEY must have at least 32 bytes in production"),
        ({**PRODUCTION, "JWT_SECRET_KEY": "x" * 31}, "JWT_SECRET_KEY must have at least 32 bytes in production"),
        ({**PRODUCTION, "JWT_SECRET_KEY_PREVIOUS": "x" * 31}, "JWT_SECRET_KEY_PREVIOUS must have at least 32 bytes"),
        ({**PRODUCTION, "JWT_SECRET_KEY": LONG}, "SECRET_KEY and JWT_SECRET_KEY must differ in production"),
        ({**PRODUCTION, "SECRET_KEY": "x" * 48}, "SECRET_KEY repeats a character or a word"),
        ({**PRODUCTION, "SECRET_KEY": "abcdefghij" * 5}, "SECRET_KEY repeats a character or a word"),
        (
            {**PRODUCTION, "SECRET_KEY": "correct-horse-battery-Correct-staple"},
            "SECRET_KEY repeats a character or a word",
        ),
        ({**PRODUCTION, "SECRET_KEY": "kWq3Zt8-Yb1Lr6Vx4" * 3}, "SECRET_KEY repeats a character or a word"),
        ({"METRICS_TOKEN": "x" * 15}, "METRICS_TOKEN must have at least 16 characters"),
        ({"WEB_CONCURRENCY": "2", "DATABASE_URL": "postgresql:///x"}, "WEB_CONCURRENCY above 1 needs REDIS_URL"),
        ({"WEB_CONCURRENCY": "2", "REDIS_URL": "redis://localhost"}, "WEB_CONCURRENCY above 1 needs a PostgreSQL"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_each_error_is_one_line(read: Callable[..., Config], environ: dict[str, str], begin: str) -> None:
    [fault] = faults(read, **environ)
    assert fault.startswith(begin)
    assert "\n" not in fault
    assert fault.endswith(".")


@pytest.mark.parametrize(
    "url",
    [
        "smtps://u:p@mail.example.com", "smtp://u:p@mail.example.com?starttls=1", "smtp://u:p@mail.example.com?starttls=0",
        "smtp://mail.example.com", "smtp://u:p@localhost:1025", "smtp://u:p@127.0.0.2", "smtp://u:p@[::1]:25", "console",
    ],
)  # fmt: skip
def test_mail_may_go_by(read: Callable[..., Config], url: str) -> None:
    assert read(SMTP_URL=url).smtp_url == url


def test_error_reports_need_a_package(read: Callable[..., Config], monkeypatch: pytest.MonkeyPatch) -> None:
    dsn = "https://hunter2@sentry.example.com/1"
    assert read(SENTRY_DSN=dsn).sentry_dsn == dsn
    monkeypatch.setattr("config_services.find_spec", lambda name: None)
    [fault] = faults(read, SENTRY_DSN=dsn)
    assert "sentry-sdk, which is not installed" in fault
    assert "requirements-sentry.txt" in fault
    assert "hunter2" not in fault
    assert read().sentry_dsn is None


def test_all_errors_are_reported_at_once(read: Callable[..., Config]) -> None:
    assert len(faults(read, PORT="x", LOG_LEVEL="x", APP_ENV="production")) == 4


def test_an_invalid_variable_is_not_reported_as_missing(read: Callable[..., Config]) -> None:
    [fault] = faults(read, SMS_GATEWAY="webhook", SMS_WEBHOOK_URL="sms.example.com")
    assert fault.startswith("SMS_WEBHOOK_URL must be")
    [fault] = faults(read, WEB_CONCURRENCY="2", REDIS_URL="localhost:6379", DATABASE_URL="postgresql:///x")
    assert fault.startswith("REDIS_URL must begin with")


def test_only_the_given_environment_is_read(read: Callable[..., Config], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "1234")
    assert read().port == 8000
    assert read(PORT="8001").port == 8001


def test_no_error_repeats_a_secret(read: Callable[..., Config]) -> None:
    assert "hunter2" not in str(faults(read, APP_ENV="production", SECRET_KEY="hunter2", PORT="x"))
    assert "hunter2" not in str(faults(read, SMTP_URL="smtp://u:hunter2@mail.example.com"))


def test_a_config_does_not_show_its_secrets(read: Callable[..., Config]) -> None:
    given = {
        "SMTP_URL": "smtps://u:hunter2@h",
        "SENTRY_DSN": "https://hunter2@sentry.example.com/1",
        "METRICS_TOKEN": "hunter2-hunter2-x",
        "SECRET_KEY": "hunter2",
        "JWT_SECRET_KEY_PREVIOUS": "hunter2",
        "DATABASE_URL": "postgresql://confab:hunter2@db/confab",
        "REDIS_URL": "redis://:hunter2@redis:6379",
    }
    assert "hunter2" not in repr(read(**given, JWT_SECRET_KEY="hunter2"))


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_all_schemes_of_postgresql_are_equal(read: Callable[..., Config], scheme: str) -> None:
    assert read(DATABASE_URL=f"{scheme}://u@h/x").database_url == "postgresql+psycopg2://u@h/x"


def test_sqlite_is_the_default_and_a_file(read: Callable[..., Config], tmp_path: Path) -> None:
    assert read().database_url == f"sqlite:///{tmp_path}/confab.db"
    assert read(DATABASE_URL="sqlite:///x.db").database_url == f"sqlite:///{Path.cwd()}/x.db"
    assert read().is_embedded
    assert not read(DATABASE_URL="postgresql:///x").is_embedded


def test_an_empty_variable_counts_as_unset(read: Callable[..., Config]) -> None:
    config = read(PORT="", REDIS_URL=" ", CORS_ORIGINS=" , ")
    assert (config.port, config.redis_url, config.cors_origins) == (8000, None, ())


def test_secrets_are_generated_once_in_private_files(read: Callable[..., Config], tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = {c.jwt_secret_key for c in pool.map(lambda _: read(), range(8))}
    assert len(made) == 1
    assert len(made.pop()) >= 32
    assert read().secret_key != read().jwt_secret_key
    for name in ("secret_key", "jwt_secret_key"):
        assert stat.S_IMODE(os.stat(tmp_path / name).st_mode) == 0o600
    assert {p.name for p in tmp_path.iterdir()} == {"secret_key", "jwt_secret_key"}


@pytest.mark.parametrize("size", [24, 32, 48])
def test_a_generated_secret_is_reused(read: Callable[..., Config], size: int) -> None:
    for make in (secrets.token_hex, lambda n: b64encode(secrets.token_bytes(n)).decode()):
        for _ in range(200):
            made = {"SECRET_KEY": make(size), "JWT_SECRET_KEY": make(size)}
            assert read(**PRODUCTION | made).secret_key == made["SECRET_KEY"]


def test_production_generates_no_secret(read: Callable[..., Config], tmp_path: Path) -> None:
    assert read(**PRODUCTION).jwt_secret_key == OTHER
    assert list(tmp_path.iterdir()) == []


def test_the_server_does_not_start_with_an_invalid_configuration() -> None:
    with Server({"APP_ENV": "production", "PORT": str(free_port())}, wait=False) as server:
        assert server.wait() != 0
        lines = [line for line in server.output().splitlines() if line.startswith("confab:")]
        assert [line.split()[1] for line in lines] == ["SECRET_KEY", "JWT_SECRET_KEY"]
        assert "Traceback" not in server.output()


def test_the_example_has_the_defaults(tmp_path: Path) -> None:
    """`.env.example` is the configuration of an empty environment."""
    given = {k: v for k, v in dotenv_values(ROOT / ".env.example").items() if v is not None}
    keys = {"secret_key": LONG, "jwt_secret_key": OTHER}
    assert Config.from_env(given, **keys) == Config.from_env({}, **keys)


def test_the_example_means_the_same_to_programs_that_know_no_trailing_comments() -> None:
    """systemd and Docker take everything behind `=` for the value."""
    path = ROOT / ".env.example"
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    assert len(lines) > 10
    assert dict(line.split("=", 1) for line in lines) == dotenv_values(path)
