"""Paging over HTTP: `skip` and `limit` in, `Link: <...>; rel="next"` (RFC 8288) out."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import quote, urlencode

from flask import request
from marshmallow import EXCLUDE, Schema, post_load

from backend.http.fields import WholeNumber
from backend.pagination import DEFAULT_LIMIT, MAX_LIMIT, MAX_SKIP, Page, PageRequest


class PageArgs(Schema):
    """The paging parameters of a query. Loads `{"page_request": PageRequest, ...}`; subclasses add their own fields."""

    class Meta:
        unknown = EXCLUDE

    skip = WholeNumber(high=MAX_SKIP, load_default=0, metadata={"description": "How many items to skip."})
    limit = WholeNumber(
        low=1, high=MAX_LIMIT, load_default=DEFAULT_LIMIT, metadata={"description": "How many items to return at most."}
    )

    @post_load
    def _to_page_request(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        data["page_request"] = PageRequest(data.pop("skip"), data.pop("limit"))
        return data


def paged(view: Callable[..., Page[Any]]) -> Callable[..., Any]:
    """Return the items of the page as a bare array, with a Link to the next page."""

    @wraps(view)
    def answer(*args: Any, **kwargs: Any) -> Any:
        page = view(*args, **kwargs)
        return page.items, {"Link": _link(page.next)} if page.next else {}

    return answer


def _link(following: dict[str, Any]) -> str:
    # A seq takes the place of the one that was asked for; a search's `before` and `after` are times, and stay.
    replaced = ("skip",) if "skip" in following else ("skip", "before", "after", "around")
    query = {name: value for name, value in request.args.items() if name not in replaced}
    return f'<{quote(request.path)}?{urlencode({**query, **following})}>; rel="next"'
