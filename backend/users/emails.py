"""Email addresses: validation, the form for comparison, and the form for sending.

Mail is sent to the address as its owner typed it, because only the mail host knows whether case matters in the local part, and
IDNA 2008 keeps letters of domains (`straße.example` is not `strasse.example`). Addresses are compared in a folded form, so that
one mailbox has one account.
"""

from __future__ import annotations

import unicodedata

import email_validator
import idna
from email_validator import EmailNotValidError, validate_email

MAX_LOCAL_BYTES, MAX_EMAIL_BYTES = 64, 254
"""RFC 5321, section 4.5.3.1, in octets as RFC 6531 counts them."""

email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()  # the mail server of a company may be called mail.local


def normalize_email(text: str) -> str:
    """The address in *text*: the local part as typed (in NFC), the domain in lower case and in Unicode.

    Raises ValueError if it is not an address by RFC 5321 and 6531, without quoted parts, with a domain of IDNA 2008 that has a
    dot.
    """
    try:
        found = validate_email(text.strip(), check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError as error:
        raise ValueError(str(error)) from None
    address = f"{found.local_part}@{found.domain}"
    if "." not in found.domain:
        raise ValueError("The domain needs a dot.")
    if len(found.local_part.encode()) > MAX_LOCAL_BYTES or len(address.encode()) > MAX_EMAIL_BYTES:
        raise ValueError("The address is too long.")
    return address


def fold_email(text: str) -> str:
    """The form in which addresses are stored and compared. It ignores the case of the local part.

    Accepts any text, so that a look-up does not need a valid address.
    """
    local, at, domain = unicodedata.normalize("NFC", text.strip()).rpartition("@")
    return f"{local.casefold()}{at}{_unicode_domain(domain)}"


def _unicode_domain(domain: str) -> str:
    try:
        return idna.decode(idna.encode(domain, uts46=True).lower())
    except (idna.IDNAError, UnicodeError):
        return domain.casefold()
