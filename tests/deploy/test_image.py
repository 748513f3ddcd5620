"""deploy/Dockerfile and deploy/compose.yaml, without building them: `make image` does that."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.dockerfile import context_files, read_dockerfile
from tests.deploy.units import read_unit
from tests.servers import ROOT

DOCKERFILE = ROOT / "deploy/Dockerfile"
LASTING = ("app", "database", "redis", "nginx")


@cache
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())
    return found


def service(name: str) -> dict[str, Any]:
    found: dict[str, Any] = compose()["services"][name]
    return found


def test_the_image_starts_what_the_unit_starts_and_as_no_root() -> None:
    image = read_dockerfile(DOCKERFILE)[-1]
    unit = read_unit(ROOT / "deploy/confab.service")
    folder = image.last("WORKDIR").rest
    assert [folder] == unit["WorkingDirectory"]
    assert unit["ExecStart"] == [" ".join([f"{folder}/{image.last('CMD').words()[0]}", *image.last("CMD").words()[1:]])]
    assert [image.last("USER").rest] == unit["User"]
    assert image.last("VOLUME").words() == unit["ReadWritePaths"] == [image.environment()["INSTANCE_DIR"]]
    words = [each.word for each in image.instructions]
    assert words.index("USER") > max(place for place, word in enumerate(words) if word in {"RUN", "COPY"})


def test_both_stages_use_the_same_debian_and_the_same_script() -> None:
    build, image = read_dockerfile(DOCKERFILE)
    assert (build.base, build.name) == (image.base, "build")
    assert [each.rest for each in build.instructions if "install.sh" in each.rest] == ["deploy/install.sh code"]
    assert any(each.rest.endswith("/deploy/install.sh --uid 900 account") for each in image.instructions)
    assert [each.options for each in image.instructions if each.word == "COPY"] == [{"from": "build"}]


def test_the_health_check_runs_an_installed_file() -> None:
    check = read_dockerfile(DOCKERFILE)[-1].last("HEALTHCHECK")
    assert int(check.options["timeout"].removesuffix("s")) < int(check.options["interval"].removesuffix("s"))
    _, path = json.loads(check.rest.removeprefix("CMD "))
    assert (ROOT / path).exists()


def test_an_unknown_instruction_is_refused(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM debian:bookworm-slim\nADD x /\n")
    with pytest.raises(ValueError, match="ADD is not known to the tests"):
        read_dockerfile(tmp_path / "Dockerfile")


def test_a_build_gets_what_is_installed_and_nothing_else(tmp_path: Path) -> None:
    script = (ROOT / "deploy/install.sh").read_text()
    names = re.search(r'^contents="([^"$]+)"$', script, re.MULTILINE)[1].split()  # type: ignore[index]
    installed = {
        file for name in names for path in [ROOT / name] for file in (path.rglob("*") if path.is_dir() else [path])
    }
    installed |= set(ROOT.glob("*.py"))
    wanted = {path.relative_to(ROOT) for path in installed if path.is_file() and "__pycache__" not in path.parts}
    assert set(context_files(ROOT)) == wanted - {Path("deploy/.env")}
    for name in (
        ".env",
        "deploy/.env",
        ".git/config",
        "instance/secret_key",
        "tests/client.py",
        "backend/__pycache__/a.pyc",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("secret")
    (tmp_path / "wsgi.py").write_text("")
    (tmp_path / ".dockerignore").write_text((ROOT / ".dockerignore").read_text())
    assert set(context_files(tmp_path)) == {Path("wsgi.py")}


def test_only_nginx_publishes_ports_and_the_data_is_on_a_network_of_its_own() -> None:
    assert [name for name in compose()["services"] if "ports" in service(name)] == ["nginx"]
    assert compose()["networks"]["data"]["internal"] is True
    assert {name: service(name)["networks"] for name in (*LASTING, "migrate")} == {
        "app": ["front", "data"],
        "database": ["data"],
        "redis": ["data"],
        "nginx": ["front"],
        "migrate": ["data"],
    }


def test_each_service_waits_for_those_that_it_needs() -> None:
    conditions = {
        name: {other: wish["condition"] for other, wish in service(name).get("depends_on", {}).items()}
        for name in compose()["services"]
    }
    assert conditions == {
        "migrate": {"database": "service_healthy"},
        "app": {
            "migrate": "service_completed_successfully",
            "database": "service_healthy",
            "redis": "service_healthy",
        },
        "nginx": {"app": "service_healthy"},
        "database": {},
        "redis": {},
    }
    for name in LASTING:
        assert service(name)["restart"] == "unless-stopped"
        assert name == "app" or service(name)["healthcheck"]["test"][0] == "CMD"
    assert "HEALTHCHECK" in DOCKERFILE.read_text()  # that of the app


def test_the_server_can_write_to_its_volume_alone() -> None:
    for name in ("app", "migrate"):
        assert service(name)["read_only"] is True
        assert service(name)["cap_drop"] == ["ALL"]
        assert service(name)["security_opt"] == ["no-new-privileges:true"]
        assert service(name)["volumes"] == ["state:/var/lib/confab"]


def test_secrets_are_in_the_file_of_settings_alone() -> None:
    text = (ROOT / "deploy/compose.yaml").read_text()
    assert service("app")["env_file"] == ".env"
    assert set(re.findall(r"\$\{(\w+)", text)) == {"POSTGRES_PASSWORD", "WEB_CONCURRENCY"}
    assert service("database")["environment"]["POSTGRES_PASSWORD"] == "${POSTGRES_PASSWORD}"
    assert "${POSTGRES_PASSWORD:?" in service("app")["environment"]["DATABASE_URL"]


def test_names_in_addresses_are_those_of_services_and_mounted_files_exist() -> None:
    environment = service("app")["environment"]
    assert re.search(r"@(\w+)/", environment["DATABASE_URL"])[1] in compose()["services"]  # type: ignore[index]
    assert re.match(r"redis://(\w+):", environment["REDIS_URL"])[1] in compose()["services"]  # type: ignore[index]
    upstream = (ROOT / "deploy/compose-upstream.conf").read_text()
    assert re.findall(r"server (\w+):(\d+);", upstream) == [("app", str(environment["PORT"]))]
    usual = (ROOT / "deploy/nginx/upstream.conf").read_text()
    assert upstream.replace("app:8000", "127.0.0.1:8000").splitlines()[1:] == usual.splitlines()[1:]
    for mount in service("nginx")["volumes"]:
        source = mount.split(":")[0]
        assert source.startswith("/") or (ROOT / "deploy" / source).exists(), source
