"""`make demo`: build the demo if there is none, say who one can sign in as, and serve it.

The server gets none of the variables of this installation but HOST, PORT and those of its log, so it can neither reach another
database nor send mail.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from dotenv import dotenv_values

import listen_address
import private_files
from config import Config, ConfigError
from demo.build import build, migrate
from demo.script import ScriptError
from demo.team import Team, load_team

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".demo"
SHOWN = {
    "ines": "a designer, with unread messages and mentions",
    "jonas": "an administrator: users, reports, the audit trail",
    "noah": "new in the team",
}
"""Whom the last lines before serving name, and what for."""

SERVER_SETTINGS = ("HOST", "PORT", "PUBLIC_URL", "LOG_LEVEL", "LOG_FORMAT", "NO_COLOR")
OF_THE_SYSTEM = re.compile(r"PATH|HOME|USER|SHELL|TERM|COLORTERM|LANG|LC_.*|TZ|TMPDIR|VIRTUAL_ENV|PYTHON.*|COV.*")


def main() -> None:
    """Build, print and serve. The server replaces this process, so this returns only by an error."""
    options = _options()
    folder = options.folder.absolute()
    environment = server_environment({**dotenv_values(ROOT / ".env"), **os.environ}, folder)
    config = _config(environment)
    private_files.set_umask()
    listen_address.check([(config.host, config.port)], "PORT={port} make demo")
    try:
        team = _prepare(folder, is_fresh=options.fresh)
    except ScriptError as error:
        sys.exit(f"demo: {error}")
    for line in welcome(team, config.public_url):
        print(line)
    sys.stdout.flush()
    os.chdir(ROOT)
    command = [sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py", "wsgi:app"]
    os.execve(sys.executable, command, environment)  # noqa: S606


def server_environment(given: Mapping[str, str | None], folder: Path) -> dict[str, str]:
    """The variables of the server: what the system needs of *given*, and the address and log that they choose."""
    kept = {
        name: value
        for name, value in given.items()
        if value is not None and (name in SERVER_SETTINGS or OF_THE_SYSTEM.fullmatch(name))
    }
    return {**kept, "INSTANCE_DIR": str(folder), "FLASK_SKIP_DOTENV": "1"}


def welcome(team: Team, url: str) -> list[str]:
    """The lines that say who one can sign in as."""
    people = [(team.people[username], what) for username, what in SHOWN.items()]
    width = max(len(person.email) for person, _ in people)
    return [
        "",
        f"Sign in at {url} as one of these. Everybody's password is: {team.password}",
        *(f"  {person.email:{width}}  {person.first_name} {person.last_name}, {what}" for person, what in people),
        "",
    ]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo", description="Serve Confab with a team and its messages.")
    parser.add_argument("--fresh", action="store_true", help="build it anew, so that its last messages are from now")
    parser.add_argument("--folder", type=Path, default=FOLDER, help=f"where it is kept (default: {FOLDER.name})")
    return parser.parse_args()


def _config(environment: dict[str, str]) -> Config:
    """The configuration of the server, without its secrets, which may not exist yet. Exits if it is wrong."""
    try:
        return Config.from_env(environment, secret_key="not used", jwt_secret_key="not used")
    except ConfigError as error:
        sys.exit("\n".join(f"demo: {fault}" for fault in error.faults))


def _prepare(folder: Path, *, is_fresh: bool) -> Team:
    """Build the demo in *folder*, or bring the database of the one that is there to head."""
    now = datetime.now().astimezone()
    if folder.exists() and not is_fresh:
        built = datetime.fromtimestamp((folder / "secret_key").stat().st_mtime).astimezone()
        print(f"demo: {folder} has the demo of {built:%Y-%m-%d %H:%M}. To build it anew: make demo ARGS=--fresh")
        migrate(folder)
        return load_team()
    started = time.monotonic()
    progress = _Progress()
    team = build(folder, now, progress)
    progress.clear()
    print(f"demo: built in {time.monotonic() - started:.0f} s, in {folder}")
    return team


class _Progress:
    """Shows the progress: in one line on a terminal, and otherwise as a line for each step."""

    def __init__(self) -> None:
        self._is_terminal = sys.stdout.isatty()
        self._width = min(shutil.get_terminal_size().columns - 1, 100)

    def __call__(self, step: str, share: float) -> None:
        if self._is_terminal:
            bar = "#" * round(share * 20)
            print(f"\r{f'demo: [{bar:20}] {step}'[: self._width]:{self._width}}", end="\r", flush=True)
        elif share in (0, 1):
            print(f"demo: {step}", flush=True)

    def clear(self) -> None:
        """Remove the line from the terminal."""
        if self._is_terminal:
            print(" " * self._width, end="\r")


if __name__ == "__main__":
    main()
