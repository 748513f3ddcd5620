"""Typed values from the environment, read by environs, whose errors become sentences for an operator. Part of config.py."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, cast

from environs import Env, EnvValidationError, ValidationError


class Environment(Env):
    """Reads the variables of one mapping. Nothing raises for a wrong value: `faults` returns them all at the end.

    A validator raises `environs.ValidationError` with the rest of a sentence that begins with the variable's name.
    """

    def __init__(self, environ: Mapping[str, str]):
        super().__init__(eager=False)
        self._given = environ

    def _get_value(self, env_key: str, default: Any) -> Any:
        """Look *env_key* up in the mapping, where `Env` would ask `os.environ`. An empty variable counts as not set."""
        return self._given.get(env_key, "").strip() or default

    def text(self, name: str, validate: Callable[[str], Any] | None = None) -> str | None:
        """Return the value, or None. One that is wrong is returned too: for the rules about several variables it is set."""
        if validate is not None:
            self.str(name, None, validate=validate)
        return self.str(name, None)

    def number(self, name: str, default: int, low: int, high: int) -> int:
        """Return a whole number from *low* to *high*."""

        def validate(raw: str) -> None:
            if not re.fullmatch(r"[0-9]{1,12}", raw) or not low <= int(raw) <= high:
                raise ValidationError(f"must be a whole number from {low} to {high}, not {raw!r}.")

        raw = self.str(name, None, validate=validate)
        return default if raw is None else int(raw)

    def choice(self, name: str, options: tuple[str, ...], default: str) -> str:
        """Return one of *options*, which are in lower case; the variable may be in any."""

        def validate(raw: str) -> None:
            if raw.lower() not in options:
                raise ValidationError(f"must be one of {', '.join(options)}, not {raw.lower()!r}.")

        raw = self.str(name, None, validate=validate)
        return default if raw is None else raw.lower()

    def items(self, name: str) -> tuple[str, ...]:
        """Return what the commas of a variable separate."""
        items: list[str] = self.list(name, [], subcast=str.strip)
        return tuple(item for item in items if item)

    def faults(self) -> list[str]:
        """Return a line for each fault so far, in the order of reading. Nothing can be read afterwards."""
        try:
            self.seal()
        except EnvValidationError as error:
            messages = cast(Mapping[str, list[str]], error.error_messages)
            return [f"{name} {message}" for name in messages for message in messages[name]]
        return []
