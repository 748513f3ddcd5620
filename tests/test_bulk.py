"""Many rows are deleted in small transactions."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select
from sqlalchemy.exc import IntegrityError

from backend import bulk
from backend.models import RevokedToken
from backend.models.base import db


def test_rows_are_deleted_in_batches(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each batch has a transaction of its own, and rows that do not match stay."""
    monkeypatch.setattr(bulk, "BATCH_SIZE", 2)
    sizes: list[int] = []

    def note(_connection: Any, _clause: Any, _multi: Any, _params: Any, _options: Any, result: Any) -> None:
        if result.context.isdelete:
            sizes.append(result.rowcount)

    with app.app_context():
        db.session.add_all([RevokedToken(token=token) for token in ("a1", "a2", "b1", "a3", "a4", "a5")])
        db.session.commit()
        event.listen(db.engine, "after_execute", note)
        try:
            bulk.delete_in_batches(RevokedToken, RevokedToken.token.startswith("a"))
        finally:
            event.remove(db.engine, "after_execute", note)
        assert list(db.session.scalars(select(RevokedToken.token))) == ["b1"]
    assert sizes == [2, 2, 1]


def test_statements_together_are_one_transaction(app: Flask) -> None:
    """The second statement fails, so the first is not kept."""
    insert = RevokedToken.__table__.insert()
    with app.app_context():
        with pytest.raises(IntegrityError):
            bulk.execute_together(insert.values(token="a"), insert.values(token="a"))
        assert list(db.session.scalars(select(RevokedToken.token))) == []
