"""A test application whose routes do what no real route may: fail, wait for an unreachable database, echo."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, Response, jsonify, request
from marshmallow import fields
from sqlalchemy import text

from backend.http.blueprint import Blueprint
from backend.http.fields import BodySchema, Id, StrictBoolean, Text, WholeNumber
from backend.http.pagination import PageArgs, paged
from backend.http.rate_limits import limited
from backend.identity.access_tokens import issue_access_token
from backend.identity.guards import login_required
from backend.models.base import db
from backend.pagination import Page
from backend.rate_limiting.limits import RateLimit
from tests.client import Client

JWT_SECRET_KEY = secrets.token_hex(32)


class EchoSchema(BodySchema):
    text = Text(high=20)
    number = WholeNumber(low=1)
    id = Id()
    flag = StrictBoolean()
    inner = fields.List(fields.Nested(lambda: EchoSchema(only=("text",))))


def lab_blueprint() -> Blueprint:
    """The routes of the test application."""
    bp = Blueprint("lab", __name__, url_prefix="/api/lab")

    @bp.post("/echo")
    @bp.response(200)
    @bp.arguments(EchoSchema)
    def echo(body: dict[str, Any]) -> Any:
        return body

    @bp.post("/form")
    @bp.response(200)
    @bp.arguments(EchoSchema, location="form")
    def read_form(body: dict[str, Any]) -> Any:
        return body

    @bp.get("/items/<id:item_id>")
    def get_item(item_id: int) -> Response:
        return jsonify(item_id)

    @bp.get("/names/<name>")
    @bp.response(200)
    @paged
    @bp.arguments(PageArgs, location="query")
    def list_names(args: dict[str, Any], name: str) -> Page[int]:
        page_request = args["page_request"]
        return Page.from_rows(range(page_request.skip, page_request.skip + page_request.limit + 1), page_request)

    @bp.route("/any", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    def any_method() -> Response:
        return jsonify(request.method)

    @bp.delete("/gone")
    @bp.response(204)
    def delete_it() -> None:
        return None

    @bp.get("/crash")
    def crash() -> Response:
        raise RuntimeError("password=hunter2")

    @bp.get("/limited")
    @limited(RateLimit("lab", "1 per minute"))
    def rare() -> Response:
        return jsonify(1)

    @bp.route("/database", methods=["GET", "POST"])
    def ask_database() -> Response:
        return jsonify(db.session.execute(text("SELECT 1")).scalar_one())

    @bp.get("/fault")
    def fail_in_database() -> Response:
        db.session.execute(text("SELECT * FROM no_such_table WHERE x = :x"), {"x": "hunter" + str(2)})
        return jsonify(1)

    @bp.get("/me")
    @login_required
    def me() -> Response:
        return jsonify(1)

    return bp


@pytest.fixture(scope="session")
def make_lab(make_app: Callable[..., Flask]) -> Callable[..., Client]:
    """Create a client of an application that has the test routes too."""

    def make(environ: dict[str, str] | None = None, **overrides: object) -> Client:
        app = make_app(environ, **overrides)
        app.register_blueprint(lab_blueprint())
        return Client(app)

    return make


@pytest.fixture(scope="session")
def lab(make_lab: Callable[..., Client]) -> Client:
    """A client of the test application on an empty SQLite file."""
    return make_lab()


@pytest.fixture(scope="session")
def signed_token(make_app: Callable[..., Flask]) -> str:
    """A valid access token whose session cannot be looked up; signed with `JWT_SECRET_KEY`."""
    with make_app({"JWT_SECRET_KEY": JWT_SECRET_KEY}).app_context():
        return issue_access_token(1, 1)
