"""The version of the tokenizer, which is stored beside the index that it built."""

from __future__ import annotations

import hashlib
import sys
import unicodedata
from collections.abc import Iterator
from itertools import islice
from operator import itemgetter

import pytest

from backend.messages.search import reindex
from backend.search import tokens, version
from backend.search.tokens import TOKENIZER_VERSION, index_terms
from tests.factories import Factory
from tests.schema.conftest import Database
from tests.search.strategies import PIECES

HASHES = {1: "9190f1a1eb1da79ccfe8c9ed689141b741b5349d3e3510efa0cf208ae3504e71"}
"""The hash of the terms of the corpus, by the version of the tokenizer."""

SENTENCES = [
    " ".join(PIECES),
    "".join(PIECES),
    "Łódź's café—naïve coöperation, Straße 42; user_id@example.com #tag",
    "我家在上海东边。東京タワーと大阪ｶﾞ 서울특별시 한국어 ภาษาไทยน้ำ ພາສາລາວ មនុស្ស မြန်မာ ㄅㄆㄇ",
    "שָׁלוֹם עוֹלָם السَّلَامُ عَلَيْكُمْ हिन्दी क़लम தமிழ் Ελληνικά Ὀδυσσεύς Ёлка ѝ",
    "e\u0323\u0301 e\u0301\u0323 \u1100\u1161\u11a8 a\u00adb a\u200db a\u200bb 1️⃣ 👩‍👩‍👧 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 ﷺ",
    "क\u093c\u094d क\u094d\u093c ท\u0e38\u0e49 ท\u0e49\u0e38",
    "w" * 70 + " " + "é" * 65 + " " + "漢" * 65,
]


def corpus() -> Iterator[str]:
    """Sentences, and each character of Unicode 3.2 alone and between letters: later versions define it in the same way."""
    yield from SENTENCES
    for char in map(chr, range(sys.maxunicode + 1)):
        if unicodedata.ucd_3_2_0.category(char) not in ("Cn", "Co", "Cs"):
            yield char
            yield f"a{char}1 {char}e\u0301"


def terms() -> Iterator[bytes]:
    """The terms of each text of the corpus, the sentences first."""
    return ("\0".join(sorted(index_terms([content]))).encode() + b"\n" for content in corpus())


def corpus_hash() -> str:
    found = hashlib.sha256()
    for line in terms():
        found.update(line)
    return found.hexdigest()


def test_other_terms_need_another_version() -> None:
    """After a change of the tokenizer, raise TOKENIZER_VERSION and add the hash of the new version to HASHES."""
    assert HASHES.get(TOKENIZER_VERSION) == corpus_hash()


@pytest.mark.parametrize("name", ["MAX_TERM", "_fold_part", "_ordered", "_composed"])
def test_the_corpus_notices_a_change(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    # The steps of the tokenizer have no names outside of it, and the corpus must notice a change of each. Its sentences do, and
    # the hash of the whole corpus differs then too.
    before = list(islice(terms(), len(SENTENCES)))
    changed = {"MAX_TERM": 63, "_fold_part": str, "_ordered": itemgetter(0), "_composed": itemgetter(0)}
    monkeypatch.setattr(tokens, name, changed[name])
    monkeypatch.setattr(tokens, "_FOLDS", tokens._Folds())
    assert list(islice(terms(), len(SENTENCES))) != before


def test_unicode_belongs_to_the_version() -> None:
    assert f"{TOKENIZER_VERSION} with Unicode {unicodedata.unidata_version}" == version.CURRENT


def stored(database: Database) -> str | None:
    return database.one("SELECT tokenizer FROM search_version")


def test_a_new_database_has_the_present_version(database: Database) -> None:
    database.flask("db", "upgrade")
    assert stored(database) == version.CURRENT
    assert database.flask("doctor") == "Nothing is wrong.\n"


@pytest.mark.parametrize(
    ("change", "builder"),
    [
        ("UPDATE search_version SET tokenizer = '0 with Unicode 1.0.0'", "tokenizer 0 with Unicode 1.0.0"),
        ("DELETE FROM search_version", "an unknown tokenizer"),
    ],
)
def test_doctor_and_health_ask_for_a_new_index_until_it_is_built(migrated: Database, change: str, builder: str) -> None:
    make = Factory(migrated.app)
    superuser = make.client(make.user(is_superuser=True))
    superuser.post("/api/chat/send", {"content": "hello"})
    migrated.run(change)
    line = (
        f"The search index was built by {builder}, and this code has tokenizer {version.CURRENT}. "
        "Run: flask messages reindex"
    )
    assert migrated.flask("doctor", code=1).splitlines() == [f"search: {line}"]
    health = superuser.get("/api/health/detailed").json
    assert (health["status"], health["schema"]["drift"]) == ("degraded", [line])
    migrated.flask("messages", "reindex")
    assert stored(migrated) == version.CURRENT
    assert migrated.flask("doctor") == "Nothing is wrong.\n"
    health = superuser.get("/api/health/detailed").json
    assert (health["status"], health["schema"]["drift"]) == ("healthy", [])


def test_an_interrupted_rebuild_does_not_change_the_version(migrated: Database) -> None:
    client = Factory(migrated.app).client()
    ids = [client.post("/api/chat/send", {"content": "hello"}).json["id"] for _ in range(2)]
    migrated.run(
        "DELETE FROM message_search",
        f"UPDATE messages SET id = id + 5000 WHERE id = {ids[1]}",  # on SQLite this completes the other message's block
        "UPDATE search_version SET tokenizer = 'earlier'",
    )
    with migrated.app.app_context():
        rebuilding = reindex()
        assert next(rebuilding)[1] == ids[1] + 5000
        rebuilding.close()  # type: ignore[attr-defined]
        assert stored(migrated) == "earlier"
        assert len(list(reindex())) >= 1
    assert stored(migrated) == version.CURRENT


def test_a_missing_table_is_drift_and_no_fault_of_the_index(migrated: Database) -> None:
    migrated.run("DROP TABLE search_version")
    told = migrated.flask("doctor", code=1).splitlines()
    assert told == ["schema: table search_version is missing. Run: flask doctor --repair-plan"]
