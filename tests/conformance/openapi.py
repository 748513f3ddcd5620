"""schemathesis against a running server: three minutes of generated calls, each answered as the OpenAPI document says."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from backend import create_app
from config import Config
from tests.factories import Factory
from tests.realtime.conftest import SETTINGS, migrate
from tests.servers import Server

SECONDS = 180
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance"
)
EXCLUDED = r"^/api/auth/(logout|sessions)|^/api/users/\{user_id\}$|^/ws/"
"""Operations that would end the session of the calls or revoke its rights. The test suite covers them."""


def main() -> list[str]:
    """Run schemathesis for `SECONDS` as a superuser. Returns a line where it found something."""
    with tempfile.TemporaryDirectory(prefix="confab-conformance-") as folder:
        settings = {**SETTINGS, "DATABASE_URL": f"sqlite:///{folder}/confab.db", "INSTANCE_DIR": folder}
        app = create_app(Config.from_env(settings))
        migrate(app)
        make = Factory(app)
        token = make.token(make.user("conformance", is_superuser=True))
        with Server(settings) as server:
            command = [str(Path(sys.executable).with_name("st")), "run", f"{server.url}/openapi.json"]
            command += ["--header", f"Authorization: Bearer {token}", "--exclude-path-regex", EXCLUDED]
            command += ["--checks", CHECKS, "--phases", "examples,coverage,fuzzing", "--max-time", str(SECONDS)]
            command += ["--max-examples", "1000", "--continue-on-failure", "--warnings", "off", "--no-color"]
            done = subprocess.run(command, cwd=folder, text=True, capture_output=True, check=False)
    print(done.stdout[-4_000:])
    return [f"schemathesis: exit {done.returncode}"] if done.returncode else []


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
