"""Expand, then contract: what a migration may do while the previous release uses the same database."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

TAKES_AWAY = {"drop_table", "drop_column", "drop_constraint", "drop_index", "rename_table"}
STOPS_WRITERS = {
    "create_unique_constraint": "add_index(unique=True)",
    "create_foreign_key": "a column that has it from the start",
    "create_check_constraint": "a rule of the service",
    "create_primary_key": "a new table",
    "bulk_insert": "update_in_batches()",
}
OURS = {"add_index", "update_in_batches", "index_messages_in_batches"}
FIRST = "0001"


def faults_of(source: str) -> list[str]:
    """Return a sentence for each rule that the migration in *source* breaks.

    A migration that removes what the previous release reads needs `contracts = "why nobody reads it any more"`.
    """
    tree = ast.parse(source)
    names = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    if _text(names.get("revision")) == FIRST:
        return []
    upgrade = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "upgrade")
    is_contraction = bool(_text(names.get("contracts")))
    faults = list(_import_faults(tree))
    if not is_contraction:
        allowed = names.get("compatible_with")
        served = [_text(item) for item in allowed.elts] if isinstance(allowed, ast.Tuple) else []
        if _text(names.get("down_revision")) not in served:
            faults.append("compatible_with must name down_revision: the previous release goes on serving")
    return faults + list(_call_faults(upgrade, is_contraction))


def _text(node: ast.AST | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _import_faults(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        for module in modules:
            if module.startswith("backend") and module != "backend.schema.operations":
                yield f"{module} is imported: models change, and a migration must not change with them"


def _call_faults(upgrade: ast.FunctionDef, is_contraction: bool) -> Iterator[str]:
    calls = [node for node in ast.walk(upgrade) if isinstance(node, ast.Call)]
    made = {_text(call.args[0]) for call in calls if _name(call) == "create_table" and call.args}
    operations = [call for call in calls if _name(call) in OURS or _is_operation(call)]
    if any(_name(call) in OURS for call in operations) and any(_name(call) not in OURS for call in operations):
        yield "add_index and update_in_batches stand in a migration of their own: they end its transaction"
    for call in operations:
        name, keywords = _name(call), {keyword.arg: keyword.value for keyword in call.keywords}
        if name in TAKES_AWAY and not is_contraction:
            yield f"{name} takes away what the previous release reads"
        if name in STOPS_WRITERS:
            yield f"{name} stops writers while it looks at every row: use {STOPS_WRITERS[name]}"
        if name == "create_index" and _indexed_table(upgrade, call) not in made:
            yield "create_index stops writers: use add_index"
        if name == "alter_column" and not is_contraction and {"new_column_name", "type_", "nullable"} & keywords.keys():
            yield "alter_column changes a column under the previous release"
        if name == "add_column" and _is_demanding(call):
            yield "add_column without nullable=True or a server_default: the previous release does not fill it"
        if name == "execute" and re.match(
            r"\s*(UPDATE|DELETE|INSERT\b.*\bSELECT)\b", _statement(call), re.IGNORECASE | re.DOTALL
        ):
            yield "execute changes rows of any number at once: use update_in_batches"


def _indexed_table(upgrade: ast.FunctionDef, call: ast.Call) -> str | None:
    """The table of a `create_index`: its second argument, or that of the batch which it belongs to."""
    for block in ast.walk(upgrade):
        batch = block.items[0].context_expr if isinstance(block, ast.With) else None
        if isinstance(batch, ast.Call) and batch.args and call in ast.walk(block):
            return _text(batch.args[0])
    return _text(call.args[1]) if len(call.args) > 1 else None


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _is_operation(call: ast.Call) -> bool:
    """Recognise `op.something()`, and the same on a batch; `op.f()` only makes a name."""
    owner = call.func.value if isinstance(call.func, ast.Attribute) else None
    return (
        isinstance(owner, ast.Name) and owner.id in ("op", "batch_op", "batch") and _name(call) not in ("f", "get_bind")
    )


def _is_demanding(call: ast.Call) -> bool:
    column = next((arg for arg in call.args if isinstance(arg, ast.Call) and _name(arg) == "Column"), None)
    if column is None:
        return True
    keywords = {keyword.arg: keyword.value for keyword in column.keywords}
    nullable = keywords.get("nullable")
    is_nullable = isinstance(nullable, ast.Constant) and nullable.value is True
    return not is_nullable and "server_default" not in keywords


def _statement(call: ast.Call) -> str:
    strings = [node.value for node in ast.walk(call) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return " ".join(strings)
