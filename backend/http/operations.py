"""What all operations of the OpenAPI document share: an id, and the errors that they may return."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from werkzeug.routing import Map

METHODS = ("get", "post", "put", "patch", "delete")
DESCRIPTIONS = {
    400: "The request is not valid HTTP (`bad_request`), or its body is not valid JSON (`malformed_json`).",
    401: "The token is missing or invalid (`unauthorized`), expired (`token_expired`) or revoked (`token_revoked`).",
    403: "You do not have permission to do this (`forbidden`), or the token's scopes do not allow it (`insufficient_scope`).",
    404: "This does not exist, or you do not have access to it (`not_found`).",
    408: "The body did not arrive in time (`request_timeout`).",
    409: "The current state does not allow this. `code` tells why.",
    412: "The file is not the one that `If-Match` names (`precondition_failed`).",
    413: "The body is too large (`payload_too_large`).",
    415: "The body has the wrong content type, or a Content-Encoding (`unsupported_media_type`).",
    416: "`Range` asks for bytes that the file does not have (`range_not_satisfiable`).",
    422: "Some fields are not valid (`validation_failed`). `errors` names them.",
    429: "Too many requests (`rate_limited`). Wait as many seconds as `Retry-After` says.",
    500: "An unexpected error (`internal_error`).",
    503: "The database, or another service, does not answer (`unavailable`). Nothing was changed; send the request again.",
    507: "There is no room for the file: your quota is used up (`quota_exceeded`), or the server's disk is full "
    "(`insufficient_storage`). Nothing was stored.",
}
_CHALLENGE = {"WWW-Authenticate": {"description": "The challenge (RFC 6750).", "schema": {"type": "string"}}}
_WAIT = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "string"}}}
_NEXT_PAGE = {
    "Link": {
        "description": 'The URL of the next page: `</api/rooms?skip=50>; rel="next"` (RFC 8288). Left out on the last page.',
        "schema": {"type": "string"},
    }
}
HEADERS = {401: _CHALLENGE, 429: _WAIT, 503: _WAIT}


def failure(status: int) -> dict[str, Any]:
    """The documentation of an error response with *status*."""
    answer: dict[str, Any] = {
        "description": DESCRIPTIONS.get(status, f"{HTTPStatus(status).phrase}."),
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    if status in HEADERS:
        answer["headers"] = HEADERS[status]
    return answer


def complete(document: dict[str, Any], rules: Map) -> dict[str, Any]:
    """Add to every operation of *document* its id, its errors, its security requirement and the headers of its answers.

    A view whose operation never returns one of the common errors declares it: `@bp.doc(**{"x-never": [429]})`.
    """
    endpoints = _endpoints(rules)
    operations = list(_operations(document))
    names = Counter(endpoints[path, method].rpartition(".")[2] for path, method, _ in operations)
    responses = document.setdefault("components", {}).setdefault("responses", {})
    document["components"].get("schemas", {}).pop(
        "PaginationMetadata", None
    )  # the library adds it; no operation uses it
    responses.update({name: failure(HTTPStatus[name]) for name in responses})  # in place of the library's descriptions
    for path, method, operation in operations:
        endpoint = endpoints[path, method]
        name = endpoint.rpartition(".")[2]
        operation.setdefault("operationId", name if names[name] == 1 else endpoint.replace(".", "_"))
        _describe(operation)
        if any(parameter.get("name") == "limit" for parameter in operation.get("parameters", ())):
            operation["responses"]["200"].setdefault("headers", {}).update(_NEXT_PAGE)
        operation.setdefault("security", [])  # an explicit "no authentication needed"
        for status in _failures(path, method, operation):
            status_name = HTTPStatus(status).name
            responses.setdefault(status_name, failure(status))
            operation["responses"].setdefault(str(status), {"$ref": f"#/components/responses/{status_name}"})
        operation["responses"] = dict(sorted(operation["responses"].items()))
    return document


def _describe(operation: dict[str, Any]) -> None:
    """Make the first sentence of a view's docstring the summary, and the rest the description.

    A docstring of one sentence is used for both, because generated clients show only the description.
    """
    summary, _, rest = operation.get("summary", "").partition(". ")
    described = [part for part in (rest, operation.get("description", "")) if part]
    operation["summary"] = summary.rstrip(".")
    operation["description"] = "\n\n".join(described) or f"{operation['summary']}."


def _endpoints(rules: Map) -> dict[tuple[str, str], str]:
    """The endpoint of each path and method of the document."""
    found = {}
    for rule in rules.iter_rules():
        path = re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule)
        for method in rule.methods or ():
            found[path, method.lower()] = rule.endpoint
    return found


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document.get("paths", {}).items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def _failures(path: str, method: str, operation: dict[str, Any]) -> list[int]:
    statuses = [400, 429, 500, 503]
    has_input = "requestBody" in operation or bool(operation.get("parameters"))
    if operation.get("security"):
        statuses += [401, 403]
    if "{" in path or (operation.get("security") and has_input):
        statuses.append(404)  # an id may name what the caller may not see, in the path or elsewhere
    if method != "get":
        statuses.append(409)
    if "requestBody" in operation:
        statuses += [408, 413, 415]
        if "multipart/form-data" in operation["requestBody"].get("content", {}):
            statuses.append(507)
    if has_input:
        statuses.append(422)
    never = operation.pop("x-never", [])
    return [status for status in statuses if status not in never]
