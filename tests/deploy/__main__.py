"""`make image`: build deploy/Dockerfile in folders with a Debian, and use the server there. Takes minutes, and needs root."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from dotenv import dotenv_values

from tests import packages
from tests.deploy.image import Image, report
from tests.deploy.installation import check_first_message
from tests.http_client import HttpClient
from tests.processes import descendants, free_port, spawn, sweep, tail, wait_until

PUBLIC_URL = "https://chat.example.com"


def main() -> int:
    if os.geteuid() != 0:
        report("confab: make image needs root, because it makes a Debian in a folder: sudo make image")
        return 1
    sweep()
    began = time.monotonic()
    try:
        image = Image()
    except packages.Missing as missing:
        report(f"confab: {missing}")
        return 1
    try:
        built = time.monotonic()
        check_image(image)
        report(f"The image was built in {built - began:.0f} s and checked in {time.monotonic() - built:.0f} s: sound.")
    finally:
        image.remove()
    return 0


def check_image(image: Image) -> None:
    """Migrate, serve, ask for health, send a message, and end, as deploy/compose.yaml does. Raises AssertionError."""
    assert image.user[0] != 0, "USER is root"
    [release] = image.root.glob("opt/confab/releases/*")
    for name in ("tests", ".git", "deploy/.env"):
        assert not (release / name).exists(), name
    assert (release / "deploy/healthcheck.py").exists()
    with_settings = image.stage.environment() | compose_settings(image)
    port = free_port()
    env = image.variables({**with_settings, "HOST": "127.0.0.1", "PORT": str(port)})
    migrated = subprocess.run(
        image.command_of_user([".venv/bin/flask", "db", "upgrade"]),
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert migrated.returncode == 0, migrated.stdout + migrated.stderr
    log = image.folder.path / "server.log"
    process = spawn(image.command_of_user(image.stage.last("CMD").words()), log=log, env=env)
    try:
        check_server(image, process, port, env)
    except BaseException:
        report(tail(log))
        raise
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        process.wait()
    assert '"exception"' not in log.read_text(), tail(log)


def check_server(image: Image, process: subprocess.Popen[bytes], port: int, env: dict[str, str]) -> None:
    """Use the server, and end it with the signal of a container engine."""
    url = f"http://127.0.0.1:{port}"

    def is_ready() -> bool:
        assert process.poll() is None, "the server ended"
        with suppress(OSError):
            return HttpClient(url).call("GET", "/api/health/ready")[0] == 200
        return False

    wait_until(is_ready, "readiness", 60)
    words = image.stage.last("HEALTHCHECK").rest.removeprefix("CMD ")
    healthcheck = image.command_of_user(json.loads(words))
    assert subprocess.run(healthcheck, env=env, check=False).returncode == 0, "HEALTHCHECK fails"
    check_first_message(url)
    gunicorn = descendants(process.pid)[1]
    owners = {Path(f"/proc/{pid}").stat().st_uid for pid in descendants(gunicorn)}
    assert owners == {image.user[0]}, owners
    os.kill(gunicorn, 15)
    assert process.wait(15) == 0, "SIGTERM does not end it cleanly"
    ended = subprocess.run(healthcheck, env=env, capture_output=True, check=False)
    assert ended.returncode == 1, "HEALTHCHECK finds a server that ended"


def compose_settings(image: Image) -> dict[str, str]:
    """The settings that `install.sh compose` writes, except that of the database, for which SQLite is used here."""
    checkout = image.roots["build"] / "source"
    subprocess.run([checkout / "deploy/install.sh", "--public-url", PUBLIC_URL, "compose"], check=True)
    values = dotenv_values(checkout / "deploy/.env")
    assert values.pop("POSTGRES_PASSWORD")
    return {name: value for name, value in values.items() if value is not None}


if __name__ == "__main__":
    sys.exit(main())
