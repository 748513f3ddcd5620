"""Check for insecure code (bandit) and for dependencies with known vulnerabilities (pip-audit): `make audit`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CODE = (
    "backend",
    "config.py",
    "config_environment.py",
    "config_services.py",
    "gunicorn.conf.py",
    "gunicorn_worker.py",
    "gunicorn_client.py",
    "wsgi.py",
    "listen_address.py",
    "log_formatters.py",
    "metrics_folder.py",
    "private_files.py",
)
REQUIREMENTS = ("requirements.txt", "requirements-dev.txt", "requirements-sentry.txt")


def _run(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def audit_code() -> bool:
    """Print bandit's findings. Returns True where there are none."""
    done = _run("bandit", "--quiet", "--recursive", "--configfile", "pyproject.toml", *CODE)
    print(done.stdout + done.stderr if done.returncode else "bandit: nothing found")
    return done.returncode == 0


def audit_dependencies(requirements: str) -> bool:
    """Print the known vulnerabilities of pinned packages. Returns True where there are none.

    A package without an answer from the source of advisories is counted and printed, but is no failure.
    """
    done = _run("pip_audit", "--disable-pip", "--require-hashes", "--format", "json", "--requirement", requirements)
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except ValueError:
        print(f"{requirements}: the source of advisories did not answer:\n{done.stderr[-500:]}")
        return True
    for package in packages:
        for known in package.get("vulns", []):
            print(f"{package['name']} {package['version']}: {known['id']}, fixed in {known['fix_versions']}")
    asked = [package for package in packages if "vulns" in package]
    vulnerable = [package for package in asked if package["vulns"]]
    unanswered = len(packages) - len(asked)
    print(f"{requirements}: {len(vulnerable)} of {len(packages)} packages vulnerable, {unanswered} without an answer")
    return not vulnerable


def main() -> int:
    results = [audit_code(), *map(audit_dependencies, REQUIREMENTS)]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
