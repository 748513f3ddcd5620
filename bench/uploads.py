"""Measures the memory that uploads of large files use, and the latency of other requests meanwhile."""

import asyncio
import http.client
import json
import os
import time
from urllib.parse import urlsplit

from bench import report
from bench.context import Bench
from bench.load_http import closed_loop
from bench.machine import pss_kb
from bench.measure import Run, make_run, measure_rounds
from bench.rest import MEASURED_CLIENTS, getter, http_arm
from tests.processes import descendants

SIZE = 50 * 2**20 - 4096
"""Bytes of a file: the default of MAX_UPLOAD_BYTES, minus the overhead of the form."""

BOUNDARY = b"confab-bench"
HEAD = b'--%s\r\nContent-Disposition: form-data; name="file"; filename="large.bin"\r\n\r\n' % BOUNDARY
SAMPLE_SECONDS = 0.02


async def upload(bench: Bench) -> None:
    """Measure the memory of the worker and the latency of ten clients while another client uploads 50 MiB files in sequence."""
    people = await bench.confab.population()
    clients = [getter(people.url, "/api/users/me", token) for token in people.tokens[:MEASURED_CLIENTS]]
    body = HEAD + os.urandom(SIZE) + b"\r\n--%s--\r\n" % BOUNDARY
    worker = descendants(bench.confab.server.pid)[1]
    quiet, during = "no uploads", "during uploads of 50 MiB"
    extra: list[float] = []
    seconds: list[float] = []

    async def during_uploads(length: float) -> Run:
        sampler = asyncio.create_task(_peak_mb(worker, length))
        uploads = asyncio.create_task(asyncio.to_thread(_upload_for, length, people.url, people.tokens[-1], body))
        before = pss_kb(worker) / 1024
        run = make_run(*await closed_loop(clients, length))
        seconds.extend(await uploads)
        extra.append(await sampler - before)
        return run

    arms = {quiet: http_arm(clients), during: during_uploads}
    rounds = await measure_rounds(arms, bench.roots, bench.seconds, bench.runs)
    report.verdict("upload, p99 of others", rounds.median(during, "p99"), 100, at_least=False, unit=" ms")
    report.verdict("upload, extra memory", max(extra), 20, at_least=False, unit=" MB")
    report.details(rounds)
    report.detail(f"{len(seconds)} uploads, {sum(seconds) / len(seconds):.2f} s each on average")


async def _peak_mb(pid: int, seconds: float) -> float:
    """Return the largest PSS of a process within *seconds*, in MiB."""
    peak, until = 0.0, time.monotonic() + seconds
    while time.monotonic() < until:
        peak = max(peak, pss_kb(pid) / 1024)
        await asyncio.sleep(SAMPLE_SECONDS)
    return peak


def _upload_for(seconds: float, url: str, token: str, body: bytes) -> list[float]:
    """Upload *body* repeatedly, and delete each upload with a message. Returns the duration of each upload in seconds."""
    taken, until = [], time.monotonic() + seconds
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    headers = {"Authorization": f"Bearer {token}"}
    while time.monotonic() < until:
        begun = time.monotonic()
        form = headers | {"Content-Type": f"multipart/form-data; boundary={BOUNDARY.decode()}"}
        attachment = _call(connection, "POST", "/api/chat/attachments", body, form)
        taken.append(time.monotonic() - begun)
        message = {"content": "", "attachment_ids": [attachment["id"]]}
        form = headers | {"Content-Type": "application/json"}
        sent = _call(connection, "POST", "/api/chat/send", json.dumps(message).encode(), form)
        _call(connection, "DELETE", f"/api/chat/messages/{sent['id']}?hard=true", None, headers)
    connection.close()
    return taken


def _call(connection: http.client.HTTPConnection, method: str, path: str, body, headers: dict[str, str]) -> dict:
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    data = answer.read()
    if answer.status not in (201, 204):
        raise RuntimeError(f"{method} {path}: {answer.status} {data[:200]!r}")
    return json.loads(data) if data else {}
