"""docs/schema.md agrees with the models."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from backend.models.base import Base
from backend.schema import commands
from backend.schema.documentation import describe_schema
from tests.servers import ROOT


def test_the_document_is_current() -> None:
    assert (ROOT / "docs" / "schema.md").read_text() == describe_schema(), "Run: flask schema docs"


def test_it_names_every_table_and_column() -> None:
    text = describe_schema()
    for table in Base.metadata.tables.values():
        assert f"## {table.name}\n" in text
        for column in table.columns:
            assert f"| {column.name} |" in text
    assert "    users ||--o{ messages : sender_id" in text


def test_the_command(sqlite_app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "DOCUMENT", tmp_path / "schema.md")
    runner = sqlite_app.test_cli_runner()
    assert runner.invoke(args=["schema", "docs", "--check"]).exit_code == 1
    assert runner.invoke(args=["schema", "docs"]).exit_code == 0
    assert (tmp_path / "schema.md").read_text() == describe_schema()
    assert runner.invoke(args=["schema", "docs", "--check"]).exit_code == 0
