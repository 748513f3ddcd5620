"""deploy/install.sh: a first installation, an upgrade, a failed one, and the server that it installs."""

from __future__ import annotations

import os
import pwd
import re
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from dotenv import dotenv_values

from backend.web.routes import DOCUMENTATION
from tests import packages
from tests.deploy.installation import ACCOUNT, PUBLIC_URL, Installation, InstalledServer, check_first_message
from tests.deploy.units import allowed_calls, read_unit, sandbox
from tests.http_client import HttpClient
from tests.processes import running_in, wait_until
from tests.servers import ROOT

SECRETS = ("SECRET_KEY", "JWT_SECRET_KEY", "METRICS_TOKEN")


@pytest.fixture(scope="module")
def installed() -> Iterator[Installation]:
    installation = Installation()
    try:
        done = installation.run(*("account", "code", "settings", "database", "service"))
        assert done.returncode == 0, done.stderr
        yield installation
    finally:
        installation.remove()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_only_the_account_can_read_the_state_and_the_settings(installed: Installation) -> None:
    account = pwd.getpwnam(ACCOUNT)
    assert (mode(installed.state), installed.state.stat().st_uid) == (0o700, account.pw_uid)
    assert mode(installed.state / "confab.db") == 0o600
    if os.geteuid() == 0:
        found = installed.settings.stat()
        assert (mode(installed.settings), found.st_uid, found.st_gid) == (0o640, 0, account.pw_gid)
    else:
        assert mode(installed.settings) == 0o600
    values = dotenv_values(installed.settings)
    assert (values["APP_ENV"], values["PUBLIC_URL"]) == ("production", PUBLIC_URL)
    assert values["INSTANCE_DIR"] == str(installed.state)
    assert len({values[name] for name in SECRETS}) == len(SECRETS)
    assert all(len(values[name] or "") >= 64 for name in SECRETS)
    writable = [path for path in installed.release.rglob("*") if not path.is_symlink() and mode(path) & 0o022]
    assert writable == []
    assert not (installed.release / "tests").exists()


def test_the_doctor_finds_no_fault(installed: Installation) -> None:
    done = installed.flask("doctor")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "advice:" in done.stdout
    owners = {path.stat().st_uid for path in installed.state.rglob("*")}
    assert owners == {pwd.getpwnam(ACCOUNT).pw_uid}


def test_a_second_run_changes_nothing(installed: Installation) -> None:
    settings, release = installed.settings.read_bytes(), installed.release
    done = installed.run(options=("--public-url", "https://other.example.com"))
    assert done.returncode == 0, done.stderr
    assert "installing" not in done.stderr
    assert (installed.settings.read_bytes(), installed.release) == (settings, release)


def test_the_unit_is_valid_and_strict(installed: Installation) -> None:
    command = [str(packages.systemd_analyze_binary()), "verify", "--man=no", str(installed.unit)]
    verified = subprocess.run(command, capture_output=True, text=True, check=False)
    said = [line for line in verified.stderr.splitlines() if "Special user nobody" not in line]
    assert (verified.returncode, said) == (0, [])
    command[1:] = ["security", "--offline=true", "--no-pager", "--threshold=18", str(ROOT / "deploy/confab.service")]
    assessed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert assessed.returncode == 0, assessed.stdout + assessed.stderr
    unit = read_unit(installed.unit)
    assert unit["ReadWritePaths"] == [str(installed.state)]
    assert unit["User"] == [ACCOUNT]
    assert unit["WorkingDirectory"] == [str(installed.current)]
    assert unit["ExecStart"][0].startswith(f"{installed.current}/.venv/bin/gunicorn ")
    assert unit["ExecReload"] == ["/bin/kill -HUP $MAINPID"]
    assert not {"mount", "ptrace", "bpf", "setuid", "chroot", "init_module"} & allowed_calls(unit["SystemCallFilter"])


def test_the_server_runs_as_the_account_within_the_limits_of_its_unit(installed: Installation) -> None:
    confine = sandbox(read_unit(installed.unit))
    with InstalledServer(installed, confine) as server:
        wait_until(lambda: HttpClient(server.url).call("GET", "/api/health/ready")[0] == 200, "readiness")
        for pid in (server.pid, *server.worker_pids):
            status = Path(f"/proc/{pid}/status").read_text()
            assert re.search(r"^Uid:\t(\d+)", status, re.MULTILINE)[1] == str(pwd.getpwnam(ACCOUNT).pw_uid)  # type: ignore[index]
            assert "NoNewPrivs:\t1" in status
            assert "Seccomp:\t2" in status
        check_first_message(server.url)
        for path in DOCUMENTATION:
            assert requests.get(server.url + path, timeout=15).status_code == 200, f"the file of {path} is installed"
        assert check_health(server).returncode == 0
        assert server.stop() == 0, server.output()
        assert '"exception"' not in server.output()
    assert list(running_in(installed.release)) == []
    ended = check_health(server)
    assert (ended.returncode, ended.stderr.startswith(f"confab: {server.url}/api/health/ready is not answered")) == (
        1,
        True,
    )


def check_health(server: InstalledServer) -> subprocess.CompletedProcess[str]:
    """Run deploy/healthcheck.py as the step `service` does."""
    command = [server.root / ".venv/bin/python", "deploy/healthcheck.py", "--ready"]
    return subprocess.run(command, cwd=server.root, env=server.env, capture_output=True, text=True, check=False)


def test_the_sandbox_of_these_tests_refuses_what_the_unit_refuses(installed: Installation) -> None:
    """Otherwise the test before this one would show nothing."""
    program = """if True:
        import mmap, os, socket
        for attempt in (
            lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC),
            lambda: socket.socket(socket.AF_NETLINK),
            lambda: os.chroot("/"),
            lambda: os.setuid(12345),
        ):
            try:
                attempt()
                print("allowed")
            except PermissionError:
                print("refused")
    """
    confine = sandbox(read_unit(installed.unit))
    command = [installed.current / ".venv/bin/python", "-c", program]
    done = subprocess.run(command, preexec_fn=confine, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["refused"] * 4, done.stderr


def test_an_upgrade_keeps_two_versions_and_a_failed_one_changes_nothing(installed: Installation) -> None:
    first, settings = installed.release, installed.settings.read_bytes()
    with installed.settings.open("a") as file:
        file.write("DATABASE_URL=postgresql://confab@127.0.0.1:9/confab\n")
    checkout = installed.copy_checkout("second", "1")
    failed = installed.run(checkout=checkout)
    assert failed.returncode == 1
    assert f"correct what the lines above name in {installed.settings}" in failed.stderr
    assert installed.release == first
    installed.settings.write_bytes(settings)
    composed = installed.run("compose", checkout=checkout)
    assert composed.returncode == 0, composed.stderr
    passwords = dotenv_values(checkout / "deploy/.env")
    assert len(passwords["POSTGRES_PASSWORD"] or "") >= 64
    assert mode(checkout / "deploy/.env") & 0o007 == 0
    assert installed.run("compose", checkout=checkout).returncode == 0
    assert dotenv_values(checkout / "deploy/.env") == passwords
    older = [installed.prefix / "releases" / name for name in ("0.0.1-a", "0.0.2-b")]
    for n, folder in enumerate(older):
        folder.mkdir()
        os.utime(folder, (n, n))
    done = installed.run(checkout=checkout)
    assert done.returncode == 0, done.stderr
    assert installed.release.name.startswith("1.")
    assert not (installed.release / "deploy/.env").exists()
    assert set(installed.prefix.glob("releases/*")) == {installed.release, first, older[1]}
    assert installed.settings.read_bytes() == settings
    # Back to the version before, as after a release that turned out to be faulty.
    done = installed.run()
    assert done.returncode == 0, done.stderr
    assert "installing" not in done.stderr
    assert installed.release == first
