"""What happens every day: reviews, stand-ups, tickets, hand-overs. `data/routines/*.toml` has the facts, and how they are said.

A routine takes one item after the other from its list, and tells each with one of its patterns, at a time of its own. So the
rooms are as busy as those of a real team, and each message is still about something.
"""

from __future__ import annotations

import random
import tomllib
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from demo.script import Line, ScriptError, parse
from demo.team import DATA, Team


@dataclass(frozen=True)
class _Slot:
    """The day and minute of one item."""

    day: int
    minute: int


def load_routines(team: Team) -> list[Line]:
    """The messages of all routines. They are the same each time, and nobody speaks before their first day. Raises ScriptError."""
    lines: list[Line] = []
    for path in sorted((DATA / "routines").glob("*.toml")):
        routine = tomllib.loads(path.read_text("utf-8"))
        for author, works in routine.pop("chains", {}).items():
            steps = [f"{author} | {done} | {following}" for done, following in pairwise(works)]
            lines += _expand(team, f"{path.stem} {author}", routine | {"items": steps})
        if "items" in routine:
            lines += _expand(team, path.stem, routine)
    return lines


def _expand(team: Team, name: str, routine: dict[str, Any]) -> list[Line]:
    chance = random.Random(name)
    items: list[str] = routine["items"]
    lines: list[Line] = []
    order: list[str] = []
    for item, slot in zip(items, _slots(routine, len(items), chance), strict=True):
        if not order:  # every pattern once, before one is used again
            order = chance.sample(routine["patterns"], len(routine["patterns"]))
        present = [name for name in routine["people"] if team.people[name].since > slot.day]
        values = _values(name, routine | {"people": present}, item, chance)
        text = order.pop().format_map(values)
        lines += parse(routine["room"], f"== {slot.day} {slot.minute // 60:02}:{slot.minute % 60:02}\n{text}")
    return lines


def _slots(routine: dict[str, Any], count: int, chance: random.Random) -> list[_Slot]:
    """Spread *count* items evenly over the days of *routine*, from the first to the last, each at a time of the day."""
    first, last = routine["days"]
    low, high = map(_minutes, routine["hours"])
    days = [round(first - (first - last) * n / max(count - 1, 1)) for n in range(count)]
    slots = [_Slot(day, chance.randrange(low, high)) for day in days]
    return sorted(slots, key=lambda slot: (-slot.day, slot.minute))


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def _values(name: str, routine: dict[str, Any], item: str, chance: random.Random) -> dict[str, str]:
    """What the patterns may use: the fields of the item, and `b` and `c`, two of the people besides the author."""
    fields = [part.strip() for part in item.split("|")]
    if len(fields) != len(routine["fields"]):
        raise ScriptError(f"{name}: the item has other fields than {', '.join(routine['fields'])}: {item}")
    values = dict(zip(routine["fields"], fields, strict=True))
    others = [person for person in routine["people"] if person not in values.values()]
    values["b"], values["c"] = chance.sample(others, 2)
    return values | {key: chance.choice(options) for key, options in routine.get("words", {}).items()}
