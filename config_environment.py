"""Typed values from the environment. environs reads them, and its errors become sentences for an operator. Part of config.py."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, cast

from environs import Env, EnvValidationError, ValidationError


class Environment(Env):
    """Reads the variables of one mapping. An invalid value raises no error; `faults` returns all of them at the end.

    A validator raises `environs.ValidationError` with the rest of a sentence that begins with the variable's name.
    """

    def __init__(self, environ: Mapping[str, str]):
        super().__init__(eager=False)
        self._given = environ

    def _get_value(self, env_key: str, default: Any) -> Any:
        """Look *env_key* up in the mapping instead of `os.environ`. An empty variable counts as not set."""
        return self._given.get(env_key, "").strip() or default

    def text(self, name: str, validate: Callable[[str], Any] | None = None) -> str | None:
        """Return the value, or None. An invalid value is returned too, because rules about several variables count it as set."""
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
        """Return one of *options*, which are in lower case. The variable may be in any case."""

        def validate(raw: str) -> None:
            if raw.lower() not in options:
                raise ValidationError(f"must be one of {', '.join(options)}, not {raw.lower()!r}.")

        raw = self.str(name, None, validate=validate)
        return default if raw is None else raw.lower()

    def items(self, name: str) -> tuple[str, ...]:
        """Return the items of a comma-separated variable."""
        items: list[str] = self.list(name, [], subcast=str.strip)
        return tuple(item for item in items if item)

    def faults(self) -> list[str]:
        """Return a line for each fault, in the order of reading. No variable can be read afterwards."""
        try:
            self.seal()
        except EnvValidationError as error:
            messages = cast(Mapping[str, list[str]], error.error_messages)
            return [f"{name} {message}" for name in messages for message in messages[name]]
        return []
