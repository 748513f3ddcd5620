"""Refused sign-ins in the log."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from backend.errors import ChatError
from backend.identity.errors import TotpRequired
from backend.refusals import REFUSALS
from backend.request_context import address, network


@contextmanager
def log_refused_sign_in(method: str, find_user_id: Callable[[], int | None]) -> Iterator[None]:
    """Log the error by which the block refuses a sign-in. *method* is `password` or `otp`.

    *find_user_id* is called only then, and returns the account, or None where there is none.
    """
    try:
        yield
    except ChatError as error:
        if error.status < 500:
            user_id = find_user_id()
            # TotpRequired asks the client for the code. The password was right.
            level = logging.INFO if isinstance(error, TotpRequired) else logging.WARNING
            REFUSALS.write(
                ("sign_in", user_id, network(), error.code),
                level,
                event="sign_in.refused",
                code=error.code,
                method=method,
                user_id=user_id,
                address=address(),
            )
        raise
