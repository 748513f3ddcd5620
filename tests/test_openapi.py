"""The OpenAPI document: it is complete, and agrees with the server."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from werkzeug.wsgi import ClosingIterator

from backend.concurrency import LARGE_ANSWERS
from backend.http.openapi import document
from tests.client import Client
from tests.factories import Factory
from tests.json_schema import check_references
from tests.servers import ROOT

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of libraries that it imports
    import schemathesis
    from schemathesis.specs.openapi import checks as conformance

METHODS = {"get", "post", "put", "patch", "delete"}
PARAMETER, IN_BRACES = re.compile("<(?:[^:<>]+:)?([^<>]+)>"), r"{\1}"
PAGES = {"/ws/{client_id}", "/", "/docs", "/favicon.ico", "/openapi.json", "/asyncapi.json", "/realtime.schema.json",
         "/reference_client.py", "/confab.js", "/confab.d.ts", "/confab-node.js", "/static/{filename}",
         "/app/{digest}/{name}", "/sw.js", "/manifest.webmanifest"}  # fmt: skip
"""Routes that no client of the API calls; the document must have all others."""

FAILURES_OF_ALL = {"429", "500", "503"}
CHECKS = [
    schemathesis.checks.not_a_server_error,
    conformance.status_code_conformance,
    conformance.content_type_conformance,
    conformance.response_headers_conformance,
    conformance.response_schema_conformance,
]


def operations(found: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    assert len(found["paths"]) > 50, "a walk over few operations proves nothing"
    for path, item in found["paths"].items():
        for method in METHODS & set(item):
            yield (
                f"{method.upper()} {path}",
                item[method] | {"parameters": [*item.get("parameters", []), *item[method].get("parameters", [])]},
            )


@pytest.fixture
def found(sqlite_app: Flask) -> dict[str, Any]:
    answer: dict[str, Any] = Client(sqlite_app).get("/openapi.json").json
    return answer


def test_every_route_is_documented(sqlite_app: Flask, found: dict[str, Any]) -> None:
    served = {
        f"{method} {PARAMETER.sub(IN_BRACES, rule.rule)}"
        for rule in sqlite_app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    documented = {name for name, _ in operations(found)}
    assert {name for name in served - documented if name.partition(" ")[2] not in PAGES} == set()
    assert documented <= served


def test_every_operation_is_described(found: dict[str, Any]) -> None:
    tags = {tag["name"]: tag.get("description") for tag in found["tags"]}
    assert all(tags.values()), tags
    ids = []
    for name, operation in operations(found):
        assert 3 < len(operation["summary"]) <= 130, name
        assert not operation["summary"].endswith("."), name
        assert set(operation["tags"]) <= set(tags), name
        assert any(status.startswith("2") for status in operation["responses"]), name
        assert "security" in operation, f"{name} does not say that it is public"
        ids.append(operation["operationId"])
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch("[a-z][a-z0-9_]*", name) for name in ids)


def test_every_operation_lists_its_errors(found: dict[str, Any]) -> None:
    components = found["components"]["responses"]
    for name, operation in operations(found):
        responses = operation["responses"]
        if not name.startswith("GET /api/health"):
            assert set(responses) >= FAILURES_OF_ALL, name
        if operation.get("security"):
            assert {"401", "403"} <= set(responses), name
        if "{" in name:
            assert "404" in responses, name
        if "requestBody" in operation:
            assert {"400", "413", "415", "422"} <= set(responses), name
        if operation["parameters"] and "GET" in name:
            assert {"404", "422"} & set(responses), name
        for status, answer in responses.items():
            if status.startswith(("4", "5")) and not name.endswith(" /token"):
                whole = components[answer["$ref"].rpartition("/")[2]] if "$ref" in answer else answer
                assert list(whole["content"]) == ["application/problem+json"], (name, status)
        assert "default" not in responses, name


def test_guards_are_documented(sqlite_app: Flask, found: dict[str, Any]) -> None:
    open_to_all = {name for name, operation in operations(found) if not operation.get("security")}
    for name in open_to_all:
        method, _, path = name.partition(" ")
        response = Client(sqlite_app).request(method, re.sub(r"{\w+}", "1", path), {})
        assert response.json.get("code") != "unauthorized", name
    own_token = {name for name, operation in operations(found) if operation["security"] == [{"metrics": []}]}
    assert own_token == {"GET /metrics"}
    for name in {name for name, _ in operations(found)} - open_to_all - own_token:
        method, _, path = name.partition(" ")
        response = Client(sqlite_app).request(method, re.sub(r"{\w+}", "1", path), {})
        assert (response.status_code, response.json["code"]) == (401, "unauthorized"), name


def test_security_schemes(found: dict[str, Any]) -> None:
    schemes = found["components"]["securitySchemes"]
    assert list(schemes) == ["password", "bearer", "metrics"], "a form asks for them in this order"
    assert (schemes["bearer"]["type"], schemes["bearer"]["scheme"]) == ("http", "bearer")
    assert schemes["password"]["flows"]["password"]["tokenUrl"] == "/token"
    assert found["servers"] == [{"url": "/", "description": "This server"}]


def test_bodies_document_their_limits(found: dict[str, Any]) -> None:
    bodies = found["components"]["schemas"]
    register = bodies["RegisterBody"]["properties"]
    password = {name: register["password"][name] for name in ("format", "minLength", "maxLength")}
    assert password == {"format": "password", "minLength": 8, "maxLength": 72}
    assert (register["email"]["format"], register["email"]["maxLength"]) == ("email", 254)
    number = re.compile(register["mobile"]["pattern"])
    assert number.match("+46 70-174 06 05")
    assert not number.match("070 174 06 05")
    assert not number.match("+4670174060\0")
    content = re.compile(bodies["MessageSend"]["properties"]["content"]["pattern"])
    assert content.match("two\nlines")
    assert not content.match("a\0b")
    for name, body in bodies.items():
        for field, described in body.get("properties", {}).items():
            is_text = described.get("type") in ("string", ["string", "null"])
            if name.endswith("Body") and is_text and not described.get("format"):
                assert {"pattern", "enum"} & set(described), f"{name}.{field}"


def test_every_list_documents_its_link_to_the_next_page(found: dict[str, Any]) -> None:
    lists = 0
    for name, operation in operations(found):
        answer = operation["responses"].get("200", {})
        schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
        is_paged = schema.get("type") == "array" and any(part["name"] == "limit" for part in operation["parameters"])
        assert ("Link" in answer.get("headers", {})) is is_paged, name
        lists += is_paged
    assert lists > 10


def test_names_of_models_are_clear_without_their_operation(found: dict[str, Any]) -> None:
    models = set(found["components"]["schemas"])
    assert {name for name in models if re.fullmatch("[A-Z][a-z]+", name)} == {
        "Attachment", "Conversation", "Health", "Liveness", "Message", "Problem", "Readiness", "Role", "Room", "User"
    }  # fmt: skip
    assert models >= {"MessageSend", "SyncRequest", "ConversationChanges", "ReadMark"}


def test_texts_of_answers_have_a_format_or_a_limit(found: dict[str, Any]) -> None:
    """Except those whose length no rule limits, and errors."""
    unlimited = {
        *("Health.version", "HealthPart.reason"),
        *("DatabaseSchemaState.current", "DatabaseSchemaState.head", "DatabaseSchemaState.drift"),
        *("User.bio", "PublicUser.bio", "OwnUser.bio", "Room.description"),
        *("Message.content", "FoundMessage.content", "MessageVersion.content"),
        *("TokenAnswer.access_token", "TokenAnswer.refresh_token", "OtpAnswer.access_token", "OtpAnswer.refresh_token"),
        *("ApiToken.scopes", "NewApiToken.scopes", "NewApiToken.token", "SocketTicket.ticket"),
        *("TotpSecret.secret", "TotpRecoveryCodes.recovery_codes"),
    }
    seen = set[str]()
    for name, model in found["components"]["schemas"].items():
        for field, described in model.get("properties", {}).items():
            text = described.get("items", described)
            is_text = text.get("type") in ("string", ["string", "null"])
            if is_text and not {"format", "maxLength", "enum", "pattern"} & set(text):
                seen.add(f"{name}.{field}")
    assert {field for field in seen if not field.startswith(("Problem.", "OAuthError."))} == unlimited


def test_ids_of_conversations_have_the_pattern_of_the_socket(found: dict[str, Any]) -> None:
    frames = json.loads((ROOT / "docs/realtime.schema.json").read_text())
    pattern = frames["$defs"]["conversation_id"]["pattern"]
    for name in ("Message.conversation_id", "Room.conversation_id", "Conversation.id", "ConversationChanges.id"):
        model, _, field = name.partition(".")
        assert found["components"]["schemas"][model]["properties"][field]["pattern"] == pattern, name


def test_answers_are_open_to_new_fields_and_bodies_are_closed(found: dict[str, Any]) -> None:
    def referred(node: Any) -> set[str]:
        return set(re.findall(r"#/components/schemas/(\w+)", str(node)))

    models = found["components"]["schemas"]
    bodies, answers = set[str](), set[str]()
    for _, operation in operations(found):
        bodies |= referred(operation.get("requestBody"))
        answers |= referred(operation["responses"])
    while more := set().union(*(referred(models[name]) for name in answers)) - answers:
        answers |= more
    assert bodies & answers == set()
    assert bodies | answers | {"Problem"} == set(models)
    for name in answers:
        assert "additionalProperties" not in models[name], name
    for name in bodies - {"TokenForm"}:  # other fields of OAuth clients are ignored
        assert models[name]["additionalProperties"] is False, name


def test_rows_refer_to_the_models_of_their_parts(found: dict[str, Any]) -> None:
    models = {name: model.get("properties", {}) for name, model in found["components"]["schemas"].items()}

    def to(name: str) -> dict[str, str]:
        return {"$ref": f"#/components/schemas/{name}"}

    conversation = models["Conversation"]
    for name in ("room", "user"):
        assert {"$ref": conversation[name]["$ref"]} == to(name.title())
    assert conversation["last_message"]["anyOf"] == [to("Message"), {"type": "null"}]
    assert models["SyncAnswer"]["conversations"]["items"] == to("ConversationChanges")
    assert models["ConversationChanges"]["messages"]["items"] == to("Message")
    assert models["ConversationChanges"]["members"]["items"] == to("RoomMembership")
    assert models["RoomMembership"]["user"] == to("User")
    assert models["Message"]["edited_at"] == {"type": ["string", "null"], "format": "date-time"}
    for name, properties in models.items():
        for field, described in properties.items():
            item = described.get("items", described)
            if re.fullmatch("id|.*_ids?|.*seq", field) and "integer" in item.get("type", ""):
                assert item["format"] == "int64", f"{name}.{field}"


def test_no_body_has_a_field_that_generators_require_by_mistake(found: dict[str, Any]) -> None:
    """openapi-typescript requires each field with a default."""
    bodies = [name for name in found["components"]["schemas"] if name.endswith(("Body", "Send", "Edit", "Request"))]
    assert len(bodies) > 30
    for name in bodies:
        for field, described in found["components"]["schemas"][name]["properties"].items():
            assert "default" not in described, f"{name}.{field}"


def test_every_reference_has_a_target(found: dict[str, Any]) -> None:
    assert len(check_references(found)) > 500


def test_it_needs_no_other_host(sqlite_app: Flask) -> None:
    assert re.findall(r"https?://", Client(sqlite_app).get("/openapi.json").text) == []


def test_browsers_revalidate_the_document(sqlite_app: Flask) -> None:
    client = Client(sqlite_app)
    first = client.get("/openapi.json")
    again = client.get("/openapi.json", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_each_application_has_its_own_document(sqlite_app: Flask, make_app: Callable[..., Flask]) -> None:
    before = document(sqlite_app)
    make_app()
    assert document(sqlite_app) == before


@pytest.mark.no_cover  # this test only checks that nothing fails; other tests check the behaviour
def test_no_input_causes_a_5xx_or_an_undocumented_answer(app: Flask, make: Factory, found: dict[str, Any]) -> None:
    caller = make.client(make.user(is_superuser=True))
    schema = schemathesis.openapi.from_wsgi("/openapi.json", _closing(app))
    tried: dict[str, int] = {}
    ids: dict[str, Any] = {}
    for result in schema.get_all_operations():
        operation = result.ok()
        name = f"{operation.method.upper()} {operation.path}"
        if not ids:
            ids = _real_ids(caller, make)
        tried[name] = _try(operation, {"Authorization": f"Bearer {caller.token}"}, ids)
        if not name.startswith("GET "):
            ids = {}  # it may have changed or deleted them
        if (operation.method.upper() == "DELETE" and "sessions" in operation.path) or "logout" in operation.path:
            caller = make.client(caller.user)  # type: ignore[attr-defined]
    assert tried.keys() == {name for name, _ in operations(found)}
    assert min(tried.values()) > 0, tried
    assert LARGE_ANSWERS.is_idle, "or else later calls wait for a slot, and are only refused"


def _closing(app: Flask) -> Callable[..., list[bytes]]:
    """*app* with complete answers. schemathesis does not close them, and each would count as a large answer in progress."""

    def complete(environ: Any, start_response: Any) -> list[bytes]:
        with closing(ClosingIterator(app(environ, start_response))) as answer:
            return [b"".join(answer)]

    return complete


def _real_ids(caller: Client, make: Factory) -> dict[str, Any]:
    """Existing ids, for half of the tries: random ids would only be answered 404."""
    room = caller.post("/api/rooms", {"name": "room"}).json
    message = caller.post("/api/chat/send", {"content": "hello", "room_id": room["id"]}).json
    return {
        "room_id": room["id"],
        "conversation_id": room["conversation_id"],
        "message_id": message["id"],
        "user_id": make.user().id,
    }


def _try(operation: Any, headers: dict[str, str], ids: dict[str, Any]) -> int:
    """Call *operation* with generated input, and return how often it was called."""
    calls = 0
    # The test sets Authorization.
    takes_input = bool(operation.body) or {part.name for part in operation.iter_parameters()} - {"Authorization"}

    @settings(
        # For each operation, on each database: more tries found nothing more, and took minutes.
        max_examples=3 if takes_input else 1,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(), real=st.booleans())
    def attempt(case: Any, real: bool) -> None:
        if real and case.path_parameters:
            case.path_parameters = {name: ids.get(name, value) for name, value in case.path_parameters.items()}
        nonlocal calls
        case.call_and_validate(headers=headers, checks=CHECKS)
        calls += 1

    attempt()
    return calls
