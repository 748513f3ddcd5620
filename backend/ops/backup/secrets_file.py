"""Secrets as lines `NAME=value`, which systemd, Docker and python-dotenv read alike if the values are simple."""

from __future__ import annotations

import re
from collections.abc import Mapping
from io import StringIO
from pathlib import Path

from dotenv import dotenv_values

from config import SECRETS_ENV, Config
from private_files import write_private

PREVIOUS = "JWT_SECRET_KEY_PREVIOUS"
NAMES = ("SECRET_KEY", "JWT_SECRET_KEY", PREVIOUS)

_SIMPLE = re.compile(r"[A-Za-z0-9_+/=.:@-]+")


def secrets_of(config: Config) -> dict[str, str]:
    """The secrets of an installation, by the names of their variables."""
    values = {name: getattr(config, name.lower()) for name in NAMES}
    return {name: value for name, value in values.items() if value is not None}


def render(secrets: Mapping[str, str]) -> str:
    """The content of a file with *secrets*."""
    return "".join(f"{name}={_quoted(value)}\n" for name, value in secrets.items())


def parse(text: str) -> dict[str, str]:
    """The secrets in *text*, as `render` wrote them."""
    found = dotenv_values(stream=StringIO(text), interpolate=False)
    return {name: found.get(name) or "" for name in NAMES if found.get(name)}


def write(config: Config, secrets: Mapping[str, str]) -> Path:
    """Write *secrets* to a file in INSTANCE_DIR that only the server's account can read, and return its path."""
    path = config.instance_dir / SECRETS_ENV
    write_private(path, render(secrets).encode())
    return path


def _quoted(value: str) -> str:
    if _SIMPLE.fullmatch(value):
        return value
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
