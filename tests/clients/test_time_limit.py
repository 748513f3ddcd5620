"""The client library ends a request without an answer after 30 s; a download may take longer."""

from __future__ import annotations

from tests.clients.programs import result_of


def test_a_download_that_has_begun_has_no_time_limit() -> None:
    assert result_of("time_limit.mjs") == {"answer": "network", "download": ["whole", "download"]}
