"""The metadata of views: what a decorator declares is what the code around the view reads."""

from __future__ import annotations

from functools import wraps
from typing import Any

import pytest
from flask import Flask

from backend.http.view_metadata import ViewMetadata, annotate, metadata_of, upload
from backend.identity.guards import login_required, own_answer


def view() -> None:
    """A view without decorators."""


def test_a_view_that_declares_nothing_has_the_default() -> None:
    assert metadata_of(view) == metadata_of(None) == ViewMetadata()


def test_decorators_add_to_the_metadata_of_the_view_below_and_leave_it_alone() -> None:
    @own_answer
    def own() -> None: ...

    guarded = login_required(own)
    assert metadata_of(own) == ViewMetadata(is_own_answer=True)
    assert metadata_of(guarded) == ViewMetadata(is_own_answer=True, is_guarded=True)


def test_a_decorator_that_wraps_passes_the_metadata_on() -> None:
    @upload
    def inner() -> None: ...

    @wraps(inner)
    def outer(*args: Any) -> None: ...

    assert metadata_of(outer).is_upload


def test_a_field_that_does_not_exist_is_refused() -> None:
    with pytest.raises(TypeError):
        annotate(lambda: None, is_guraded=True)


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("users.get_me", ViewMetadata(is_guarded=True)),
        ("users.set_avatar", ViewMetadata(is_guarded=True, is_upload=True)),
        ("auth.login", ViewMetadata(is_limited=True)),
        ("chat.send_message", ViewMetadata(is_guarded=True, is_own_answer=True)),
        ("service.check_alive", ViewMetadata()),
        ("openapi_json", ViewMetadata()),  # a bound method, which takes no attribute
    ],
)
def test_the_registered_view_has_the_metadata_of_all_its_decorators(
    app: Flask, endpoint: str, expected: ViewMetadata
) -> None:
    assert metadata_of(app.view_functions[endpoint]) == expected


def test_a_guarded_view_is_documented_as_one_that_needs_a_token(app: Flask) -> None:
    paths = app.test_client().get("/openapi.json").get_json()["paths"]
    assert paths["/api/users/me"]["get"]["security"] == [{"bearer": []}, {"password": []}]
    assert paths["/api/auth/login"]["post"]["security"] == []
