"""What the server mailed and sent by text, which a server in tests writes to its log."""

from __future__ import annotations

import re

from tests.processes import wait_until
from tests.servers import Server


def mailed_token(server: Server, page: str, email: str) -> str:
    """The token in the newest link to *page* (`verify`, `reset`) that was mailed to *email*."""
    link = re.compile(rf"mail to {re.escape(email)}:.*?/#/{page}\?token=([\w-]+)")
    wait_until(lambda: link.search(server.output()), f"a mail to {email}")
    return str(link.findall(server.output())[-1])


def texted_code(server: Server, mobile: str) -> str:
    """The newest code that was sent to *mobile*."""
    text = re.compile(rf"sms to {re.escape(mobile)}:.*?\b([0-9]{{6}})\b")
    wait_until(lambda: text.search(server.output()), f"a text to {mobile}")
    return str(text.findall(server.output())[-1])
