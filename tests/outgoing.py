"""The messages that the application sends, recorded."""

from __future__ import annotations

import re

from flask import Flask

from backend.outbox.mail import Mail
from backend.state import confab_state


class Outgoing:
    """Replaces the gateways of *app*. Every query first sends all waiting messages."""

    def __init__(self, app: Flask):
        self.outbox = confab_state(app).outbox
        self.texts: list[tuple[str, str]] = []
        self.mails: list[Mail] = []
        self.before = (self.outbox.sms, self.outbox.mail)
        self.outbox.sms, self.outbox.mail = _Sms(self), _Mailer(self)

    def restore(self) -> None:
        self.outbox.sms, self.outbox.mail = self.before

    def code(self, mobile: str) -> str:
        """The last code that was sent to *mobile*."""
        self.outbox.drain()
        text = [text for to, text in self.texts if to == mobile][-1]
        return re.findall(r"\b[0-9]{6}\b", text)[0]

    def token(self, page: str, email: str) -> str:
        """The token in the newest link to *page* that was sent to *email*."""
        self.outbox.drain()
        links = [re.search(rf"/#/{page}\?token=([\w-]+)\n", mail.text) for mail in self.mails if mail.to == email]
        return [link[1] for link in links if link][-1]

    def subjects(self) -> list[str]:
        """The subjects of all mails, sorted."""
        self.outbox.drain()
        return sorted(mail.subject for mail in self.mails)


class _Sms:
    def __init__(self, outgoing: Outgoing):
        self.outgoing = outgoing

    def send(self, to: str, text: str, key: str) -> None:
        self.outgoing.texts.append((to, text))


class _Mailer:
    def __init__(self, outgoing: Outgoing):
        self.outgoing = outgoing

    def send(self, mail: Mail, key: str) -> None:
        self.outgoing.mails.append(mail)
