"""Texts and queries in many scripts. They use few letters, so that queries often match."""

from __future__ import annotations

from hypothesis import strategies as st

PIECES = [
    "a", "b", "ab", "É", "e\u0301", "e", "ß", "SS", "ø", "o", "ﬁ", "fi", "1", "²", "½", "İ", "ı", "i",
    "Ж", "ж", "й", "ё", "Σ", "ς", "ά", "क", "हि", "न्दी", "क़", "क\u093c", "مَ", "م", "ל", "לִ",
    "上", "海", "上海", "东", "々", "か", "が", "か\u3099", "ガ", "ｶﾞ", "ー", "각", "가", "ㄱ", "ㅏ", "\u1100\u1161", "\u11a8",
    "ไ", "ท", "น้ำ", "ำ", "ກ", "\U00020000",
    "\u0301", "\u200d", "\u00ad", "\u200b", "\ufe0f", "😀", "1️⃣",
]  # fmt: skip
GAPS = [" ", "  ", ", ", "-", "_", "。", "，", "'", "\n", "*", "(", " AND ", "\\", "%", ":", "&", "|", "!", "<->"]

texts = st.lists(st.sampled_from(PIECES + GAPS), max_size=14).map("".join)
queries = st.lists(st.sampled_from(PIECES + GAPS + ['"', '"', "“", "”"]), min_size=1, max_size=6).map("".join)


@st.composite
def queries_of(draw: st.DrawFn, text: str) -> str:
    """Draw a piece of *text*, often in quotes, or any query."""
    if not text or draw(st.integers(0, 3)) == 0:
        return draw(queries)
    start = draw(st.integers(0, len(text) - 1))
    piece = text[start : draw(st.integers(start + 1, len(text)))]
    return draw(st.sampled_from([f'"{piece}"', piece, f'{piece} "{text}"', f'"{piece}']))
