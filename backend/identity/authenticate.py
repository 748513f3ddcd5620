"""Turns a token into the identity behind it. Every request and every socket goes through `identify`."""

from __future__ import annotations

from backend.errors import Unauthorized
from backend.identity.access_tokens import identify_access_token
from backend.identity.api_token_lookup import API_TOKEN_PREFIX, identify_api_token
from backend.identity.identity import Identity

MAX_TOKEN = 4096
"""The most characters of a token. Ours have some 300; without a limit, a long one would cost time to decode."""


def identify(token: str) -> Identity:
    """The identity behind an access token or an API token. Needs an application context, and no request.

    Raises Unauthorized, TokenExpired or TokenRevoked. A session that ended and a user who was deactivated are refused at once.
    """
    if len(token) > MAX_TOKEN:
        raise Unauthorized
    if token.startswith(API_TOKEN_PREFIX):
        return identify_api_token(token)
    return identify_access_token(token)
