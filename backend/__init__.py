"""Confab: the chat backend that a product team runs itself."""

from __future__ import annotations

from flask import Flask
from sqlalchemy.orm import configure_mappers

from backend import database, settings
import backend.models
from backend.extensions import api, db, migrate
from backend.http import errors, limits, logging, requests
from config import Config

__version__ = settings.VERSION


def create_app(config: Config | None = None) -> Flask:
    """The application, configured from the environment unless *config* is given. Raises ConfigError."""
    config = config or Config.from_env()
    logging.configure(config.log_level)
    app = Flask("confab", static_folder=None, instance_path=str(config.instance_dir))
    settings.apply(app, config)

    requests.init_app(app)
    errors.init_app(app)
    limits.init_app(app)
    db.init_app(app)
    migrate.init_app(app, db, directory=settings.MIGRATIONS)
    api.init_app(app)
    _register_blueprints(app)
    _register_commands(app)

    configure_mappers()
    with app.app_context():
        database.prepare_engine(db.engine)
    return app


def _register_blueprints(app: Flask) -> None:
    from backend.messages.routes import bp as messages, room_messages_bp
    from backend.ops.routes import bp as ops
    from backend.rooms.routes import bp as rooms
    from backend.users.routes import bp as users
    from backend.web.routes import bp as web

    for blueprint in (users, rooms, messages, room_messages_bp, ops):
        api.register_blueprint(blueprint)
    app.register_blueprint(web)


def _register_commands(app: Flask) -> None:
    from backend.rooms.commands import rooms
    from backend.schema.commands import db as db_group, schema

    for group in (rooms, db_group, schema):
        app.cli.add_command(group)
