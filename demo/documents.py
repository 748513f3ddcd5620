"""Files that are no pictures: a table, a log and a page to print, each made from its name, always the same way."""

from __future__ import annotations

import random
from collections.abc import Callable

DOCKS = ("Hamngatan", "Altona", "Colón", "Möllevången", "Ruzafa", "Centralen", "Landungsbrücken", "Cabanyal")

PAGE = """\
{title}

1. Where we are
Three cities, 412 docks, 3,900 bicycles.
Returns that fail at the first try: {share} %, down from 9.8 % in spring.

2. What we do next
Locks tell their state by themselves.
The map shows free stands, and not only bicycles.
Support sees the ride that a rider writes about.

3. What we do not do
Scooters. Subscriptions for companies. A new logo.
"""


def write_document(kind: str, name: str) -> bytes:
    """The file *name* of a *kind* of `KINDS`."""
    return KINDS[kind](random.Random(name), name.rpartition(".")[0].replace("-", " "))


def _table(chance: random.Random, _title: str) -> bytes:
    rows = ["dock,bikes,returns_failed,returns_total,median_seconds"]
    for dock in DOCKS:
        for stand in range(1, 6):
            total = chance.randrange(80, 900)
            failed, seconds = chance.randrange(0, total // 12), chance.uniform(2, 14)
            rows.append(f"{dock} {stand},{chance.randrange(0, 24)},{failed},{total},{seconds:.1f}")
    return ("\n".join(rows) + "\n").encode()


def _log(chance: random.Random, _title: str) -> bytes:
    lines, at = [], 7 * 3600 + chance.randrange(3600)
    for _ in range(90):
        at += chance.randrange(1, 40)
        where = f"dock={chance.choice(DOCKS)} stand={chance.randrange(1, 20)}"
        wait = chance.randrange(40, 4000)
        what = "INFO lock answered" if wait <= 3000 else "WARN lock answered late, trying again"
        lines.append(f"{at // 3600:02}:{at // 60 % 60:02}:{at % 60:02} {what} {where} wait_ms={wait}")
    return ("\n".join(lines) + "\n").encode()


def _page(chance: random.Random, title: str) -> bytes:
    """A PDF of one page with some lines of text."""
    lines = PAGE.format(title=title.capitalize(), share=f"{chance.uniform(2, 5):.1f}").splitlines()
    shown = "".join(f"({_escaped(line)}) Tj T*\n" for line in lines)
    content = f"BT /F1 14 Tf 22 TL 72 760 Td\n{shown}ET".encode("latin-1")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out, offsets = b"%PDF-1.4\n", []
    for number, each in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    end = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(out))
    return out + head + table + end


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")


KINDS: dict[str, Callable[[random.Random, str], bytes]] = {"csv": _table, "log": _log, "pdf": _page}
"""How each kind of file is written, from a source of chance and its title."""
