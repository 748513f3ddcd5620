"""A missing program is installed where that is allowed, or named in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import packages

APT = """#!/bin/sh
echo "$*" >> {folder}/calls
cat {folder}/policy >> {folder}/seen
case "$*" in *install*) printf '#!/bin/sh\\n' > {folder}/bin/nginx; chmod +x {folder}/bin/nginx ;; esac
"""


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A system without nginx."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setattr(packages, "SYSTEM_PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(packages, "DEBIAN_POLICY", tmp_path / "policy")
    monkeypatch.setattr(packages, "DEBIAN_CLUSTERS", tmp_path / "postgresql-common" / "createcluster.conf")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    return tmp_path


def make_apt(folder: Path, script: str = APT) -> None:
    program = folder / "bin" / "apt-get"
    program.write_text(
        script.replace("{folder}", str(folder)).replace("cat ", "/bin/cat ").replace("chmod", "/bin/chmod")
    )
    program.chmod(0o755)


def test_a_missing_program_is_installed_and_no_daemon_starts(bare: Path) -> None:
    make_apt(bare)
    (bare / "policy").write_text("mine")
    assert packages.nginx_binary() == bare / "bin" / "nginx"
    calls = (bare / "calls").read_text().splitlines()
    assert [call.split()[-1] for call in calls] == ["update", "nginx"]
    assert "exit 101" in (bare / "seen").read_text()
    assert (bare / "policy").read_text() == "mine"
    assert not (bare / "postgresql-common").exists()


def test_without_root_a_missing_program_is_named(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_apt(bare)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(packages.Missing, match=r"^The tests need nginx; install it .*apt-get install .*nginx"):
        packages.nginx_binary()
    assert not (bare / "calls").exists()


def test_errors_of_apt_are_reported(bare: Path) -> None:
    make_apt(bare, "#!/bin/sh\necho 'E: no network' >&2\nexit 100\n")
    with pytest.raises(packages.Missing, match=r"apt-get update failed: .*no network"):
        packages.nginx_binary()
    assert not (bare / "policy").exists()


def test_the_headless_shell_is_preferred_and_chromium_is_used_without_it(bare: Path) -> None:
    make_apt(bare, "#!/bin/sh\necho 'E: no such package' >&2\nexit 100\n")
    whole, shell = bare / "bin" / "chromium", bare / "bin" / "chromium-headless-shell"
    with pytest.raises(packages.Missing, match=r"apt-get update failed: .*no such package"):
        packages.headless_chromium_binary()
    for program in (whole, shell):
        program.write_text("")
        program.chmod(0o755)
        assert packages.headless_chromium_binary() == program
    assert packages.chromium_binary() == whole
