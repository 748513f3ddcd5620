"""Confab: the chat backend that a product team runs itself."""

from __future__ import annotations

from flask import Flask

import backend.models  # noqa: F401  # every table is known from the start
from backend import database, settings
from backend.auth import sweeping
from backend.extensions import api, db, migrate
from backend.http import errors, logging, rate_limits, reporting, requests
from backend.ops import routes_metrics
from backend.outbox import sender
from backend.realtime import server
from backend.schema.gate import resolve_models
from config import Config

__version__ = settings.VERSION


def create_app(config: Config | None = None) -> Flask:
    """The application, configured from the environment unless *config* is given. Raises ConfigError and ModelFault."""
    config = config or Config.from_env()
    logging.configure(config.log_level)
    app = Flask("confab", static_folder=None, instance_path=str(config.instance_dir))
    settings.apply(app, config)

    reporting.init_app(app)
    requests.init_app(app)
    errors.init_app(app)
    rate_limits.init_app(app)
    db.init_app(app)
    migrate.init_app(app, db, directory=settings.MIGRATIONS)
    api.init_app(app)
    server.init_app(app)
    sender.init_app(app, also_sweep=(sweeping.sweep,))
    _register_blueprints(app)
    routes_metrics.init_app(app)
    _register_commands(app)

    resolve_models()
    with app.app_context():
        database.prepare_engine(db.engine)
    return app


def _register_blueprints(app: Flask) -> None:
    import backend.accounts.routes
    import backend.accounts.routes_administration
    import backend.auth.routes_proof  # noqa: F401  # these are more views of blueprints below
    from backend.accounts.routes_audit import bp as audit
    from backend.auth.routes import bp as auth
    from backend.auth.routes import token_bp
    from backend.auth.routes_tokens import bp as api_tokens
    from backend.inbox.routes import bp as inbox
    from backend.messages.routes import bp as messages
    from backend.messages.routes import room_messages_bp
    from backend.moderation.routes import bp as reports
    from backend.ops.routes import bp as ops
    from backend.ops.routes_metrics import bp as metrics
    from backend.realtime.gateway import bp as realtime
    from backend.rooms.routes import bp as rooms
    from backend.rooms.routes_invites import bp as invites
    from backend.users.routes import bp as users
    from backend.users.routes_roles import accounts_bp
    from backend.users.routes_roles import bp as roles
    from backend.web.routes import bp as web

    for blueprint in (
        auth,
        token_bp,
        api_tokens,
        users,
        accounts_bp,
        roles,
        rooms,
        invites,
        messages,
        inbox,
        room_messages_bp,
        reports,
        ops,
        audit,
        metrics,
    ):
        api.register_blueprint(blueprint)
    app.register_blueprint(realtime)
    app.register_blueprint(web)


def _register_commands(app: Flask) -> None:
    import backend.accounts.commands_admin  # noqa: F401  # more commands of the same group
    from backend.accounts.commands import users
    from backend.auth.commands import totp
    from backend.inbox.commands import messages
    from backend.ops.commands import doctor
    from backend.outbox.commands import outbox
    from backend.rooms.commands import rooms
    from backend.schema.commands import db as db_group
    from backend.schema.commands import schema

    for command in (messages, outbox, totp, rooms, users, db_group, schema, doctor):
        app.cli.add_command(command)
