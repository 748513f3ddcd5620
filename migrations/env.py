"""Alembic's entry point. It runs migrations through `backend.schema.upgrade`, which also adopts legacy databases."""

from __future__ import annotations

from alembic import context
from flask import current_app

from backend.schema.upgrade import run

_migrate = current_app.extensions["migrate"]
run(context, _migrate.db.engine, _migrate.configure_args)
