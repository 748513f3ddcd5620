"""Confab: a self-hosted chat backend."""

from __future__ import annotations

from functools import cache, partial

from flask import Flask

# backend.models registers every table. The other modules add views and commands to the blueprints and groups of their feature.
import backend.accounts.commands_admin
import backend.accounts.routes
import backend.accounts.routes_administration
import backend.accounts.routes_registration
import backend.auth.routes_otp
import backend.auth.routes_password
import backend.auth.routes_totp
import backend.models  # noqa: F401
from backend import database, settings
from backend.accounts import commands as accounts_commands
from backend.accounts import routes_audit
from backend.attachments import commands as attachments_commands
from backend.attachments import sweeping as attachments_sweeping
from backend.auth import commands as auth_commands
from backend.auth import mails, routes_tokens, sweeping
from backend.auth import routes as auth_routes
from backend.extensions import db, migrate
from backend.http import errors, logging, rate_limits, reporting, requests
from backend.http.openapi import ProblemApi
from backend.identity import access_tokens, session_lookup
from backend.inbox import commands as inbox_commands
from backend.inbox import routes as inbox_routes
from backend.messages import append, changes, routes_attachments, search
from backend.messages import routes as messages_routes
from backend.messages import routes_changes as message_changes_routes
from backend.moderation import routes as moderation_routes
from backend.ops import commands as ops_commands
from backend.ops import routes as ops_routes
from backend.ops import routes_metrics
from backend.ops.backup import commands as backup_commands
from backend.ops.metrics import Metrics
from backend.outbox import commands as outbox_commands
from backend.outbox.sender import Outbox
from backend.rate_limiting.storage import make_limiter
from backend.realtime import gateway, server
from backend.rooms import commands as rooms_commands
from backend.rooms import routes as rooms_routes
from backend.rooms import routes_invites
from backend.schema import commands as schema_commands
from backend.schema.gate import resolve_models
from backend.state import State
from backend.storage import open_storage
from backend.users import routes as users_routes
from backend.users import routes_roles
from backend.web import client_library, page
from backend.web import routes as web_routes
from config import Config

__version__ = settings.VERSION


def create_app(config: Config | None = None) -> Flask:
    """Make the application, configured by *config* or else by the environment. Raises ConfigError and ModelFault."""
    config = config or Config.from_env()
    logging.configure(config)
    app = Flask("confab", static_folder=None, instance_path=str(config.instance_dir))
    settings.apply(app, config)
    api = ProblemApi()
    app.extensions["confab"] = _make_state(app, config, api)

    reporting.init_app(app)
    requests.init_app(app)
    errors.init_app(app)
    rate_limits.init_app(app)
    db.init_app(app)
    migrate.init_app(app, db, directory=settings.MIGRATIONS)
    api.init_app(app)
    access_tokens.init_app(app)
    _register_blueprints(app, api)
    routes_metrics.init_app(app)
    _register_commands(app)

    resolve_models()
    with app.app_context():
        database.prepare_engine(db.engine)
    return app


def _make_state(app: Flask, config: Config, api: ProblemApi) -> State:
    return State(
        create_app=create_app,
        api=api,
        bus=server.make_bus(config.redis_url),
        outbox=Outbox(
            app, mails.COMPOSERS, also_sweep=(sweeping.sweep, attachments_sweeping.sweep, search.index_unindexed)
        ),
        storage=cache(partial(open_storage, config.storage_url)),
        load_session=session_lookup.session_loader(),
        append=append.draft_batcher(),
        change=changes.change_batcher(),
        rate_limiter=make_limiter(config.redis_url) if config.rate_limits else None,
        metrics=Metrics(app) if config.metrics_token is not None else None,
    )


def _register_blueprints(app: Flask, api: ProblemApi) -> None:
    for blueprint in (
        auth_routes.bp,
        auth_routes.token_bp,
        routes_tokens.bp,
        users_routes.bp,
        routes_roles.accounts_bp,
        routes_roles.bp,
        rooms_routes.bp,
        routes_invites.bp,
        messages_routes.bp,
        message_changes_routes.bp,
        routes_attachments.bp,
        inbox_routes.bp,
        messages_routes.room_messages_bp,
        moderation_routes.bp,
        ops_routes.bp,
        routes_audit.bp,
        routes_metrics.bp,
    ):
        api.register_blueprint(blueprint)
    app.register_blueprint(gateway.bp)
    app.register_blueprint(web_routes.bp)
    app.register_blueprint(client_library.bp)
    app.register_blueprint(page.bp)


def _register_commands(app: Flask) -> None:
    for command in (
        inbox_commands.messages,
        attachments_commands.attachments,
        outbox_commands.outbox,
        auth_commands.totp,
        rooms_commands.rooms,
        accounts_commands.users,
        schema_commands.db,
        schema_commands.schema,
        ops_commands.doctor,
        backup_commands.backup,
    ):
        app.cli.add_command(command)
