"""What the code that runs around a view needs to know about it: one dataclass for each view."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class ViewMetadata:
    """Facts about a view that its decorators declare with `annotate`."""

    is_guarded: bool = False
    """Only signed-in users may call it, and each call counts against its user."""

    is_limited: bool = False
    """It has a rate limit of its own."""

    is_upload: bool = False
    """Its body may be as large as MAX_UPLOAD_BYTES allows, instead of MAX_JSON_BYTES."""

    is_own_answer: bool = False
    """It answers with the caller's own data, or with nobody's, so that the scope `read` is not needed to see the answer."""


_DEFAULT = ViewMetadata()


def metadata_of(view: Callable[..., Any] | None) -> ViewMetadata:
    """The metadata of *view*; the default where it declares none, or where there is no view."""
    return getattr(view, "view_metadata", _DEFAULT)


def annotate(view: View, **changes: bool) -> View:
    """Change the named fields of the metadata of *view*, and return it.

    A decorator above that uses `functools.wraps` passes the metadata on. Raises TypeError for a field that does not exist.
    """
    cast(Any, view).view_metadata = replace(metadata_of(view), **changes)
    return view


def upload(view: View) -> View:
    """Let the body of *view* be as large as MAX_UPLOAD_BYTES allows."""
    return annotate(view, is_upload=True)
