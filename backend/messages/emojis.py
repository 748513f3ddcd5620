"""One emoji of Unicode (UTS #51), as reactions take it."""

from __future__ import annotations

import emoji as library

from backend.errors import ValidationFailed

_COMPONENT = library.STATUS["component"]


def _fully_qualified() -> dict[str, str]:
    """Each emoji in its other spellings (without a variation selector), by the fully qualified one."""
    data = library.EMOJI_DATA
    full = {entry["en"]: text for text, entry in data.items() if entry["status"] == library.STATUS["fully_qualified"]}
    return {text: full.get(entry["en"], text) for text, entry in data.items() if entry["status"] != _COMPONENT}


_FULLY_QUALIFIED = _fully_qualified()


def parse_emoji(text: str) -> str:
    """*text* as one fully qualified emoji: ZWJ sequences, flags, skin tones and keycaps are one.

    Two spellings of an emoji, with and without a variation selector, are the same. Raises ValidationFailed for anything else:
    other text, several emoji, a skin tone alone.
    """
    found = _FULLY_QUALIFIED.get(text)
    if found is None:
        raise ValidationFailed.of("emoji", "Must be one emoji of Unicode, such as 👍.")
    return found
