"""Rules of the layers: what routes, schemas, services and models may use (docs/architecture.md)."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from tests.servers import ROOT

BACKEND = ROOT / "backend"
FILES = sorted(BACKEND.rglob("*.py"))
FEATURES = (
    "accounts", "audit", "auth", "conversations", "inbox", "messages", "moderation", "ops", "outbox", "rooms", "users",
)  # fmt: skip
OUTER = ("routes", "schemas", "fields", "commands", "gateway")
"""Modules of a feature that are above its services."""

HTTP_AND_OPEN = {
    "backend/identity/guards.py",  # the guards of views
    "backend/auth/oauth.py",  # the error format of /token
    "backend/auth/throttle.py",  # the limits of password tries, and the cookie of a device
}
"""Modules of features that know requests although they are no routes."""


KNOW_SUPERUSERS = {
    "backend/models/user.py",  # `User.has_admin_power`, which all others call
    "backend/identity/guards.py",  # the guard `superuser`, which reports what is missing: the power or the scope
    "backend/auth/api_tokens.py",  # who may grant the scope; that takes a session
    "backend/accounts/administration.py",  # grants and revokes it, and keeps one superuser
    "backend/users/serialise.py",  # the field
    "backend/accounts/commands.py",
    "backend/accounts/commands_admin.py",
}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imports(path: Path) -> Iterator[str]:
    """Every module and name that the file imports, including imports in functions and for types."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def calls(path: Path) -> Iterator[str]:
    """The name of everything that the file calls: `db.session.commit`."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


def services() -> list[Path]:
    """The files of features that contain rules: neither HTTP nor command line."""
    found = [p for feature in FEATURES for p in (BACKEND / feature).rglob("*.py")]
    return [p for p in found if not p.stem.startswith(OUTER) and name_of(p) not in HTTP_AND_OPEN]


def each(paths: list[Path]) -> Callable[[Callable[[Path], None]], Callable[[], None]]:
    """Make one test of a check of a file, which names each of *paths* that fails it: as many tests would take 2 ms each."""

    def decorate(check: Callable[[Path], None]) -> Callable[[], None]:
        def test() -> None:
            failed = []
            for path in paths:
                try:
                    check(path)
                except AssertionError as error:
                    failed.append(f"{name_of(path)}: {error}")
            assert failed == [], "\n".join(failed)

        test.__name__, test.__doc__ = check.__name__, check.__doc__
        return test

    return decorate


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def test_errors_import_nothing_of_the_project() -> None:
    assert [i for i in imports(BACKEND / "errors.py") if i.startswith(("backend", "config"))] == []


@each(sorted((BACKEND / "models").glob("*.py")))
def test_models_import_only_the_extensions(path: Path) -> None:
    ours = [i for i in imports(path) if i.startswith("backend.")]
    assert [i for i in ours if not i.startswith(("backend.models", "backend.extensions", "backend.database"))] == []
    assert [c for c in calls(path) if c.endswith((".commit", ".rollback", ".flush"))] == []


@each(services())
def test_a_service_imports_no_request_and_no_layer_above(path: Path) -> None:
    for name in imports(path):
        assert name not in ("flask.request", "flask.g", "flask.session", "flask.Response", "flask.jsonify"), name
        assert not name.startswith(("werkzeug", "flask_smorest", "marshmallow")), name
        assert not re.fullmatch(r"backend\.\w+\.(routes|schemas|commands|socket)\b.*", name), name
        assert not name.startswith(("backend.http", "backend.identity.guards", "backend.web")), name


@each([p for p in services() if p.name != "__init__.py"])
def test_a_service_contains_no_status_code(path: Path) -> None:
    """An error class of a feature may have a status; a rule may not."""
    tree = tree_of(path)
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
def test_a_schema_uses_neither_the_database_nor_the_current_user(path: Path) -> None:
    for name in imports(path):
        assert not name.startswith(("sqlalchemy", "backend.models", "backend.extensions", "backend.identity.guards")), (
            name
        )
        assert not re.fullmatch(r"backend\.\w+\.(service|routes)\b.*", name), name


@each([p for p in FILES if p.stem == "routes"])
def test_a_route_does_not_use_the_database(path: Path) -> None:
    assert [i for i in imports(path) if i.startswith(("sqlalchemy", "backend.models"))] == []
    assert [c for c in calls(path) if c.startswith("db.")] == []


@each([p for p in FILES if p.parent.name == "http"])
def test_http_imports_no_feature(path: Path) -> None:
    features = tuple(f"backend.{feature}" for feature in (*FEATURES, "web", "schema", "models", "realtime"))
    assert [i for i in imports(path) if i.startswith(features)] == []


def test_only_migrations_create_tables() -> None:
    assert [name_of(p) for p in FILES if any(c.endswith("create_all") for c in calls(p))] == []


def test_there_is_one_sqlalchemy_instance() -> None:
    assert [name_of(p) for p in FILES for c in calls(p) if c.endswith("SQLAlchemy")] == ["backend/extensions.py"]


def test_only_one_module_uses_the_library_of_access_tokens() -> None:
    """Its `decode_token` accepts tokens whose session has ended. Everything else calls `identify`, which does not."""
    sources = [*FILES, *ROOT.glob("*.py"), *(ROOT / "migrations").rglob("*.py")]
    users = {name_of(p) for p in sources for i in imports(p) if i.split(".")[0] in ("flask_jwt_extended", "jwt")}
    assert users == {"backend/identity/access_tokens.py"}


def test_only_config_reads_the_environment() -> None:
    readers = [p for p in FILES if {"os.environ", "os.getenv"} & set(imports(p)) or "os.environ" in p.read_text()]
    assert readers == []


@each([*FILES, *sorted((ROOT / "tests").rglob("*.py")), *sorted(ROOT.glob("*.py"))])
def test_files_are_short(path: Path) -> None:
    longest = 400 if "tests" in path.parts else 300
    assert len(path.read_text().splitlines()) <= longest
    assert path.name not in ("utils.py", "helpers.py", "common.py", "misc.py")


@each(FILES)
def test_functions_are_short(path: Path) -> None:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 40, f"{node.name} is long"


@each([p for p in FILES if p.read_text().strip()])
def test_every_module_has_a_docstring(path: Path) -> None:
    assert ast.get_docstring(tree_of(path))


@each([path for path in FILES if name_of(path) not in KNOW_SUPERUSERS])
def test_a_superusers_power_is_decided_in_one_place(path: Path) -> None:
    """From `is_superuser` and the scopes of the call. Code that reads the account alone would give a token more than its
    scopes.
    """
    reads = [
        node.lineno
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Attribute) and node.attr == "is_superuser" and isinstance(node.ctx, ast.Load)
    ]
    assert reads == [], "ask has_admin_power of the user of the Identity"
