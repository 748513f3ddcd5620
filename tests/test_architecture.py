"""The layers of the code: which module may import which, and where what may stand (docs/architecture.md)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import ROOT

BACKEND = ROOT / "backend"
FILES = sorted(BACKEND.rglob("*.py"))
FEATURES = (
    "accounts", "audit", "auth", "conversations", "inbox", "messages", "moderation", "ops", "outbox", "rooms", "users",
)  # fmt: skip
OUTER = ("routes", "schemas", "fields", "commands", "gateway")
"""Modules of a feature that stand above its services."""

HTTP_AND_OPEN = {
    "backend/identity/guards.py",  # what a view is guarded with
    "backend/auth/oauth.py",  # the shape of /token's errors
    "backend/auth/throttle.py",  # what a try of a password counts under, and the cookie of a device
}
"""Modules of features that are about requests, though they are no routes."""


KNOW_SUPERUSERS = {
    "backend/models/user.py",  # `User.has_admin_power`, which all others ask
    "backend/identity/guards.py",  # the guard `superuser`, which says what is missing: the power or the scope
    "backend/auth/api_tokens.py",  # who may grant the scope; that takes a session
    "backend/accounts/administration.py",  # makes superusers, and spares the last one
    "backend/users/serialise.py",  # the field
    "backend/accounts/commands.py",
    "backend/accounts/commands_admin.py",
}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imports(path: Path) -> Iterator[str]:
    """Every module and name that the file imports, late imports and those for types too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def calls(path: Path) -> Iterator[str]:
    """The name of everything that the file calls: `db.session.commit`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


def services() -> list[Path]:
    """The files of features that state rules: neither HTTP nor command line."""
    found = [p for feature in FEATURES for p in (BACKEND / feature).rglob("*.py")]
    return [p for p in found if not p.stem.startswith(OUTER) and name_of(p) not in HTTP_AND_OPEN]


def each(paths: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", paths, ids=name_of)


def test_errors_import_nothing_of_ours() -> None:
    assert [i for i in imports(BACKEND / "errors.py") if i.startswith(("backend", "config"))] == []


@each(sorted((BACKEND / "models").glob("*.py")))
def test_models_stand_on_the_extensions_alone(path: Path) -> None:
    ours = [i for i in imports(path) if i.startswith("backend.")]
    assert [i for i in ours if not i.startswith(("backend.models", "backend.extensions", "backend.database"))] == []
    assert [c for c in calls(path) if c.endswith((".commit", ".rollback", ".flush"))] == []


@each(services())
def test_a_service_knows_no_request_and_nothing_above_it(path: Path) -> None:
    for name in imports(path):
        assert name not in ("flask.request", "flask.g", "flask.session", "flask.Response", "flask.jsonify"), name
        assert not name.startswith(("werkzeug", "flask_smorest", "marshmallow")), name
        assert not re.fullmatch(r"backend\.\w+\.(routes|schemas|commands|socket)\b.*", name), name
        assert not name.startswith(("backend.http", "backend.identity.guards", "backend.web")), name


@each([p for p in services() if p.name != "__init__.py"])
def test_a_service_knows_no_status_code(path: Path) -> None:
    """An error class beside its feature may name its status; a rule may not."""
    tree = ast.parse(path.read_text())
    kept = [n for n in ast.walk(tree) if isinstance(n, ast.ClassDef)]
    in_classes = {id(inner) for kind in kept for inner in ast.walk(kind)}
    for node in ast.walk(tree):
        if id(node) in in_classes:
            continue
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
            last = node.value.elts[-1]
            assert not (isinstance(last, ast.Constant) and last.value in range(200, 600)), ast.unparse(node)
        assert not (isinstance(node, ast.Attribute) and node.attr in ("status_code", "HTTPStatus")), ast.unparse(node)


@each([p for p in FILES if p.stem == "schemas" or p.stem.endswith("_schemas")])
def test_a_schema_knows_no_database_and_no_current_user(path: Path) -> None:
    for name in imports(path):
        assert not name.startswith(("sqlalchemy", "backend.models", "backend.extensions", "backend.identity.guards")), (
            name
        )
        assert not re.fullmatch(r"backend\.\w+\.(service|routes)\b.*", name), name


@each([p for p in FILES if p.stem == "routes"])
def test_a_route_leaves_the_database_to_its_service(path: Path) -> None:
    assert [i for i in imports(path) if i.startswith(("sqlalchemy", "backend.models"))] == []
    assert [c for c in calls(path) if c.startswith("db.")] == []


@each([p for p in FILES if p.parent.name == "http"])
def test_http_knows_no_feature(path: Path) -> None:
    features = tuple(f"backend.{feature}" for feature in (*FEATURES, "web", "schema", "models", "realtime"))
    assert [i for i in imports(path) if i.startswith(features)] == []


def test_tables_are_made_by_migrations_alone() -> None:
    assert [name_of(p) for p in FILES if any(c.endswith("create_all") for c in calls(p))] == []


def test_there_is_one_db() -> None:
    assert [name_of(p) for p in FILES for c in calls(p) if c.endswith("SQLAlchemy")] == ["backend/extensions.py"]


def test_one_module_knows_the_library_of_access_tokens() -> None:
    """Its `decode_token` accepts tokens whose session has ended: everything else calls `identify`, which does not."""
    sources = [*FILES, *ROOT.glob("*.py"), *(ROOT / "migrations").rglob("*.py")]
    users = {name_of(p) for p in sources for i in imports(p) if i.split(".")[0] in ("flask_jwt_extended", "jwt")}
    assert users == {"backend/identity/access_tokens.py"}


def test_the_environment_is_read_in_one_place() -> None:
    readers = [p for p in FILES if {"os.environ", "os.getenv"} & set(imports(p)) or "os.environ" in p.read_text()]
    assert readers == []


@each([*FILES, *sorted((ROOT / "tests").rglob("*.py")), *sorted(ROOT.glob("*.py"))])
def test_a_file_is_read_at_one_sitting(path: Path) -> None:
    longest = 400 if "tests" in path.parts else 300
    assert len(path.read_text().splitlines()) <= longest
    assert path.name not in ("utils.py", "helpers.py", "common.py", "misc.py")


@each(FILES)
def test_a_function_fits_on_a_screen(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 40, f"{node.name} is long"


@each([p for p in FILES if p.read_text().strip()])
def test_a_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text()))


@each([path for path in FILES if name_of(path) not in KNOW_SUPERUSERS])
def test_power_is_decided_in_one_place(path: Path) -> None:
    """From `is_superuser` and the scopes of the call: who asks the account alone lets a token do what it was never given."""
    reads = [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr == "is_superuser" and isinstance(node.ctx, ast.Load)
    ]
    assert reads == [], "ask has_admin_power of the user of the Identity"
