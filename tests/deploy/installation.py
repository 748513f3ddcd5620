"""Confab as deploy/install.sh installs it: run the script, and start the server that it installed."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.deploy.dockerfile import context_files
from tests.http_client import HttpClient
from tests.packages import SYSTEM_PATH
from tests.processes import Folder, spawn
from tests.servers import ROOT, Server, environment

ACCOUNT = "nobody" if os.geteuid() == 0 else getpass.getuser()
STEPS = ("account", "code", "settings", "database")
PUBLIC_URL = "https://chat.example.com"


class Installation:
    """A prefix, a state folder and a file of settings, in a folder that is removed at the end."""

    def __init__(self) -> None:
        self.folder = Folder()
        self.folder.path.chmod(0o755)
        self.prefix, self.state = self.folder.path / "code", self.folder.path / "state"
        self.settings, self.units = self.folder.path / "etc/confab.env", self.folder.path / "units"
        self.units.mkdir()
        self.checkout = self.folder.path / "checkout"  # the working tree may change while the tests run
        for path in context_files(ROOT):
            (self.checkout / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, self.checkout / path)
        (self.checkout / "deploy/make-venv.sh").write_text(self._script_that_copies())
        self.current = self.prefix / "current"

    def _script_that_copies(self) -> str:
        """A make-venv.sh that copies packages from the environment of the tests, if that has the same version of Python."""
        version = f"{sys.version_info[0]}, {sys.version_info[1]}"
        return f"""#!/bin/sh
set -eu
"$PYTHON" -c 'import sys; sys.exit(sys.version_info[:2] != ({version}))' || exec "{ROOT}/deploy/make-venv.sh" "$1"
"$PYTHON" -m venv --without-pip "$1"
exec "{sys.executable}" "{ROOT}/tests/deploy/environment.py" "{self.checkout}/requirements.txt" "$1"
"""

    @property
    def release(self) -> Path:
        """The folder of the version that serves."""
        return self.current.resolve()

    @property
    def unit(self) -> Path:
        """The unit for systemd, after the step `service`."""
        return self.units / "confab.service"

    def run(
        self, *steps: str, checkout: Path | None = None, options: tuple[str, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Run install.sh of *checkout*, or of the working tree as it was at the beginning."""
        command = [
            (checkout or self.checkout) / "deploy/install.sh", "--user", ACCOUNT, "--public-url", PUBLIC_URL,
            "--prefix", self.prefix, "--state", self.state, "--settings", self.settings, "--units", self.units,
            *options, *(steps or STEPS),
        ]  # fmt: skip
        # pip reads its own variables; a variable of the server would have priority over the settings.
        given = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
        env = {**environment(given), "FLASK_SKIP_DOTENV": ""}
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False)

    def flask(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the `flask` command as an operator does, who may be root."""
        command = [self.prefix / "flask", *words]
        return subprocess.run(command, env={"PATH": SYSTEM_PATH}, capture_output=True, text=True, check=False)

    def copy_checkout(self, name: str, version: str) -> Path:
        """A checkout of another *version*, whose environment is that of the installed one, so that it is installed quickly."""
        checkout = self.folder.path / name
        shutil.copytree(self.release, checkout, ignore=shutil.ignore_patterns(".venv", ".env", "__pycache__"))
        settings = checkout / "backend/settings.py"
        settings.write_text(settings.read_text().replace('VERSION = "', f'VERSION = "{version}.'))
        (checkout / "deploy/make-venv.sh").write_text(f'#!/bin/sh\nln -s "{self.release}/.venv" "$1"\n')
        (checkout / "requirements.txt").write_text("")
        return checkout

    def remove(self) -> None:
        """Remove everything that was installed."""
        self.folder.remove()


class InstalledServer(Server):
    """The server of an installation, started as its unit starts it; *confine* limits the process."""

    def __init__(self, installation: Installation, confine: Callable[[], None] | None = None):
        self._confine = confine
        super().__init__(root=installation.current)

    def start(self, *, wait: bool = True) -> None:
        """Start the server as the account, with the settings of the installation alone."""
        self.env = {"PATH": os.defpath, "PORT": str(self.port)}
        self._process = spawn(
            self.command(), log=self.log, last_signal=signal.SIGKILL, cwd=self.root, env=self.env,
            user=ACCOUNT if os.geteuid() == 0 else None, confine=self._confine,
        )  # fmt: skip
        if wait:
            self.wait_until_ready()

    def command(self) -> list[str | Path]:
        """The command of `ExecStart`."""
        return [self.root / ".venv/bin/gunicorn", "--config", "gunicorn.conf.py", "wsgi:app"]


def check_first_message(url: str) -> None:
    """Register a user on a new server, send a message, and read it."""
    client = HttpClient(url)
    names = {"first_name": "Test", "last_name": "User"}
    account = {"email": "test@example.com", "password": "correct horse battery"}
    status, registered = client.call("POST", "/api/auth/register", {**account, **names})
    assert status == 201, registered
    status, signed_in = client.call("POST", "/api/auth/login", account)
    assert status == 200, signed_in
    client.token = signed_in["access_token"]
    status, sent = client.call("POST", "/api/chat/send", {"content": "Hello"})
    assert status == 201, sent
    assert [message["content"] for message in client.messages(sent["conversation_id"])] == ["Hello"]
