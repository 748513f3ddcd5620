"""Checks of an installation, each with a remedy: configuration, secrets, files, database, schema, bus, storage, clock."""

from __future__ import annotations

import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import redis
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from backend.database import read_engine
from backend.models.base import db
from backend.ops.backup.restore import MARKER
from backend.outbox.gateways import sms_notice
from backend.outbox.mail import mail_notice
from backend.redis_client import connect_redis
from backend.schema.drift import find_drift
from backend.schema.gate import find_revision_fault, find_second_instance
from backend.schema.repair import repair_plan
from backend.search.version import REMEDY, find_version_fault
from backend.storage import FileMissing, StorageAway, open_storage
from config import MIN_SECRET_BYTES, SECRET_FILES, Config, is_guessable
from config_services import sends_password_openly
from private_files import is_open, private_paths

MAX_SKEW_SECONDS = 5.0
"""Tolerated difference between two clocks. Tokens and one-time codes depend on the time."""


@dataclass(frozen=True)
class Finding:
    """A problem (a fault), or something that works but is rarely intended (advice)."""

    part: str
    problem: str
    remedy: str
    severity: Literal["fault", "advice"] = "fault"

    @property
    def is_fault(self) -> bool:
        return self.severity == "fault"

    def line(self) -> str:
        """The finding as one line."""
        line = f"{self.part}: {self.problem} {self.remedy}"
        return line if self.is_fault else f"advice: {line}"


def examine(app: Flask) -> list[Finding]:
    """Check every part. Returns the faults, then the advice. A part that cannot be reached is a fault."""
    config: Config = app.config["CONFAB"]
    checks: tuple[Callable[[], Iterator[Finding]], ...] = (
        lambda: _configuration(config),
        lambda: _mail(config),
        lambda: _secrets(config),
        lambda: _files(config),
        lambda: _restoration(config),
        lambda: _database(app),
        lambda: _bus(config),
        lambda: _storage(config),
    )
    findings = [finding for check in checks for finding in check()]
    return sorted(findings, key=lambda finding: not finding.is_fault)


def plan_repairs(app: Flask) -> list[str]:
    """SQL that would repair the drift of the database. Executes nothing."""
    with app.app_context(), read_engine(db.engine).connect() as connection:
        return repair_plan(connection)


def _configuration(config: Config) -> Iterator[Finding]:
    if config.app_env != "production":
        return
    if not config.public_url.startswith("https://"):
        problem = f"PUBLIC_URL is {config.public_url}: links in mail, and the pages behind them, are not encrypted."
        yield Finding("configuration", problem, "Set it to an https:// address.")
    if not config.rate_limits:
        yield Finding("configuration", "RATE_LIMITS is off in production.", "Set RATE_LIMITS=on.")
    for notice, remedy in (
        (sms_notice(config), "Set SMS_GATEWAY to webhook, twilio or off."),
        (mail_notice(config), "Set SMTP_URL to the address of a mail server."),
    ):
        if notice is not None:
            yield Finding("configuration", notice, remedy, "advice")


def _mail(config: Config) -> Iterator[Finding]:
    if config.smtp_url and sends_password_openly(config.smtp_url):
        problem = "SMTP_URL has ?starttls=0: its password and all mail go over the network unencrypted."
        yield Finding("mail", problem, "Write smtps://, or ?starttls=1, if the mail server takes either.", "advice")


def _secrets(config: Config) -> Iterator[Finding]:
    if config.secret_key == config.jwt_secret_key:
        problem = "SECRET_KEY and JWT_SECRET_KEY are the same."
        yield Finding("secrets", problem, "Replace one of them with the output of: openssl rand -base64 48")
    for name in SECRET_FILES:
        value = getattr(config, name)
        if len(value.encode()) < MIN_SECRET_BYTES or is_guessable(value):
            yield Finding(
                "secrets", f"{name.upper()} can be guessed.", "Replace it with the output of: openssl rand -base64 48"
            )


def _files(config: Config) -> Iterator[Finding]:
    for path in private_paths(config):
        if is_open(path) and (path.name in SECRET_FILES or _is_reachable(path)):
            remedy = f"Run: chmod {700 if path.is_dir() else 600} {path}"
            yield Finding("files", f"{path} can be read by other accounts of this machine.", remedy)


def _is_reachable(path: Path) -> bool:
    """Whether other accounts can enter every parent folder."""
    return all(folder.stat().st_mode & (stat.S_IXGRP | stat.S_IXOTH) for folder in path.absolute().parents)


def _restoration(config: Config) -> Iterator[Finding]:
    if (config.instance_dir / MARKER).exists():
        yield Finding("backup", "A restoration was interrupted.", "Repeat it: flask backup restore FILE")


def _database(app: Flask) -> Iterator[Finding]:
    try:
        with app.app_context(), read_engine(db.engine).connect() as connection:
            connection.execute(sa.text("SELECT 1"))
            if connection.dialect.name == "postgresql":
                began = time.time()
                answer = connection.scalar(sa.text("SELECT extract(epoch FROM clock_timestamp())"))
                yield from _clock("the database", float(answer or 0), began)
            else:
                found = connection.exec_driver_sql("PRAGMA quick_check").scalar()
                if found != "ok":
                    yield Finding("database", f"The file is damaged: {found}.", "Run: flask db restore FILE")
            fault = find_second_instance(app) or find_revision_fault(connection)
        if fault is not None:
            problem, _, remedy = fault.rpartition(" Run: ")
            yield Finding("schema", problem or fault, f"Run: {remedy}" if problem else "See docs/migrations.md.")
        else:
            with app.app_context(), read_engine(db.engine).connect() as connection:
                for sentence in find_drift(connection):
                    yield Finding("schema", f"{sentence}.", "Run: flask doctor --repair-plan")
                if (outdated := find_version_fault(connection)) is not None:
                    yield Finding("search", outdated, f"Run: {REMEDY}")
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", error)).strip().partition("\n")[0]
        yield Finding("database", f"It does not answer ({reason}).", "Start it, or correct DATABASE_URL.")


def _clock(server: str, server_time: float, began: float) -> Iterator[Finding]:
    ended = time.time()
    skew = max(began - server_time, server_time - ended, 0.0)
    if skew > MAX_SKEW_SECONDS:
        problem = (
            f"The clocks of this machine and of {server} are {skew:.0f} s apart ({datetime.now(UTC):%H:%M:%S} here)."
        )
        yield Finding("clock", problem, "Synchronise both with a time server (NTP).")


def _bus(config: Config) -> Iterator[Finding]:
    if config.redis_url is None:
        return
    try:
        with connect_redis(config.redis_url, seconds=3) as client:
            began = time.time()
            seconds, microseconds = client.time()
        yield from _clock("Redis", seconds + microseconds / 1e6, began)
    except redis.RedisError as error:
        reason = str(error).partition("\n")[0]
        yield Finding("bus", f"Redis does not answer ({reason}).", "Start it, or correct REDIS_URL.")


def _storage(config: Config) -> Iterator[Finding]:
    if config.storage_url.startswith("s3://"):
        if find_spec("boto3") is None:
            problem = "STORAGE_URL names a bucket, and boto3 is not installed."
            yield Finding("storage", problem, "Run: pip install boto3")
            return
        try:
            open_storage(config.storage_url).check()
        except (StorageAway, FileMissing) as error:
            yield Finding("storage", error.detail, "Correct STORAGE_URL, or the credentials and rights of the bucket.")
        return
    folder = Path(config.storage_url)
    existing = next((place for place in (folder, *folder.parents) if place.exists()), Path("/"))
    try:
        with tempfile.TemporaryFile(dir=existing) as file:
            file.write(b"confab")
    except OSError as error:
        problem = f"{folder} cannot be written ({error.strerror})."
        yield Finding("storage", problem, f"Run: chown $(id -un) {existing}, or set STORAGE_URL to another folder.")
