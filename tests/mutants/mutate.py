"""Mutants of one module: copies of its source that differ from it in one place.

Not mutated: annotations, decorators, texts (strings), log calls, and what `if TYPE_CHECKING` holds.
"""

from __future__ import annotations

import ast
import copy
import difflib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

Node = TypeVar("Node", bound=ast.AST)
SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.Add,
    ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr, ast.LShift: ast.RShift, ast.RShift: ast.LShift,
}  # fmt: skip
FUNCTIONS = {"min": "max", "max": "min", "any": "all", "all": "any"}
CONDITIONS = {"where", "filter", "and_", "or_", "having"}
"""Calls whose arguments are conditions: a mutant of these lacks one."""
COMPREHENSIONS = ast.ListComp | ast.SetComp | ast.DictComp
LOGGERS = {"log", "logger", "logging"}
NO_CONTEXT = '__import__("contextlib").nullcontext()'


@dataclass(frozen=True)
class Mutant:
    """One change of a module."""

    lines: range
    """The lines of the changed statement, or of its head."""
    in_function: bool
    source: str
    before: str
    """The changed lines without their indentation, joined by a space."""
    after: str


def mutants_of(source: str) -> list[Mutant]:
    """Every mutant of a module, in the order of its lines."""
    tree = ast.parse(source)
    found: dict[str, Mutant] = {}
    for place in _places(tree, "", None, False):
        for text in _replacements(place):
            mutated = _replaced(source, place.node, text)
            if mutated != source and mutated not in found:
                found[mutated] = Mutant(place.lines, place.in_function, mutated, *_difference(source, mutated))
    return sorted(found.values(), key=lambda mutant: mutant.lines.start)


def sample(mutants: list[Mutant], size: int | None, seed: str) -> list[Mutant]:
    """At most *size* of them, always the same ones for the same *seed*, in their order."""
    if size is None or len(mutants) <= size:
        return mutants
    chosen = set(random.Random(seed).sample(range(len(mutants)), size))
    return [mutant for index, mutant in enumerate(mutants) if index in chosen]


@dataclass(frozen=True)
class _Place:
    node: ast.AST
    field: str
    """The field of its parent that holds it."""
    lines: range
    in_function: bool


def _places(node: ast.AST, field: str, lines: range | None, in_function: bool) -> Iterator[_Place]:
    """Every node that may be replaced, with the lines of its statement."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and _is_log(node.value):
        return
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return
    if isinstance(node, ast.stmt):
        body = getattr(node, "body", None)
        end = body[0].lineno if body else (node.end_lineno or node.lineno) + 1
        lines = range(node.lineno, max(end, node.lineno + 1))
    if lines is not None and isinstance(node, ast.stmt | ast.expr):
        yield _Place(node, field, lines, in_function)
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "decorator_list"}:
            continue
        role = "lock" if isinstance(node, ast.withitem) and node.optional_vars is None else name
        inside = in_function or (isinstance(node, ast.FunctionDef) and name == "body")
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _places(child, role, lines, inside)


def _is_log(call: ast.Call) -> bool:
    return ast.unparse(call.func).split(".")[0] in LOGGERS


def _replacements(place: _Place) -> Iterator[str]:
    """The texts that can stand in the place of a node."""
    node = place.node
    if isinstance(node, ast.stmt):
        yield from _statements(node)
    for new in _expressions(node):
        is_simple = isinstance(
            new, ast.Call | ast.Constant | ast.Name | ast.Attribute | ast.Subscript | ast.Slice | COMPREHENSIONS
        )
        yield ast.unparse(new) if is_simple else f"({ast.unparse(new)})"
    if place.field in {"test", "ifs"} and not isinstance(node, ast.Compare | ast.BoolOp | ast.UnaryOp | ast.Constant):
        yield f"(not {ast.unparse(node)})"
    if place.field == "lock":
        yield NO_CONTEXT


def _statements(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.Return(value=None) | ast.Raise() | ast.Delete() | ast.Break() | ast.Continue() | ast.AugAssign():
            yield "pass"
        case ast.Return(value=value) if not isinstance(value, ast.Constant):
            yield "return None"
        case ast.Expr(value=ast.Call()):
            yield "pass"
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield "pass"
    if isinstance(node, ast.AugAssign) and type(node.op) in SWAPS:
        yield ast.unparse(_with(node, op=SWAPS[type(node.op)]()))


def _expressions(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Compare(ops=ops):
            for index, op in enumerate(ops):
                yield _with(node, ops=[*ops[:index], SWAPS[type(op)](), *ops[index + 1 :]])
        case ast.BoolOp(op=op, values=values):
            yield _with(node, op=SWAPS[type(op)]())
            for index in range(len(values)):
                rest = [*values[:index], *values[index + 1 :]]
                yield _with(node, values=rest) if len(rest) > 1 else rest[0]
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.BinOp(op=op) if type(op) in SWAPS:
            yield _with(node, op=SWAPS[type(op)]())
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int(value) | float(value)):
            yield ast.Constant(value + 1)
        case ast.Slice(lower=lower, upper=upper):
            yield from (_with(node, **{name: None}) for name, bound in (("lower", lower), ("upper", upper)) if bound)
        case ast.Call():
            yield from _calls(node)
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            yield from (_with(node, generators=loops) for loops in _without_conditions(node.generators))


def _without_conditions(loops: list[ast.comprehension]) -> Iterator[list[ast.comprehension]]:
    for index, loop in enumerate(loops):
        if loop.ifs:
            yield [*loops[:index], _with(loop, ifs=[]), *loops[index + 1 :]]


def _calls(node: ast.Call) -> Iterator[ast.AST]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if isinstance(node.func, ast.Name) and name in FUNCTIONS:
        yield _with(node, func=ast.Name(FUNCTIONS[name]))
    if isinstance(node.func, ast.Attribute) and (
        name == "with_for_update" or (name == "where" and len(node.args) == 1)
    ):
        yield node.func.value
    if name in CONDITIONS and len(node.args) > 1:
        for index in range(len(node.args)):
            yield _with(node, args=[*node.args[:index], *node.args[index + 1 :]])
    for index, keyword in enumerate(node.keywords):
        if keyword.arg:
            yield _with(node, keywords=[*node.keywords[:index], *node.keywords[index + 1 :]])


def _with(node: Node, **fields: object) -> Node:
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def _replaced(source: str, node: ast.AST, text: str) -> str:
    lines = source.encode().splitlines(keepends=True)
    start = sum(map(len, lines[: node.lineno - 1])) + node.col_offset
    end = sum(map(len, lines[: node.end_lineno - 1])) + node.end_col_offset
    content = b"".join(lines)
    return (content[:start] + text.encode() + content[end:]).decode()


def _difference(old: str, new: str) -> tuple[str, str]:
    lines = list(difflib.ndiff(old.splitlines(), new.splitlines()))
    return tuple(" ".join(line[2:].strip() for line in lines if line.startswith(sign)) for sign in ("- ", "+ "))
