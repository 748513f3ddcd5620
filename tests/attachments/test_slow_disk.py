"""A disk that does not answer delays the downloads that read from it, and nothing else of the worker."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import requests
from flask import Flask

from backend.storage.base import CHUNK
from backend.storage.folder import FolderStorage
from backend.threadpool import READS
from tests.attachments.conftest import rows
from tests.factories import Factory
from tests.processes import wait_until
from tests.realtime.client import Api
from tests.servers import Server

DATA = os.urandom(CHUNK + 100_000)
"""More than a piece of a download."""

MIDDLE = CHUNK + 1000


def test_downloads_that_block_do_not_stop_other_requests(app: Flask, make: Factory, folder: FolderStorage) -> None:
    """The worker has one connection to read with, so a download that held it would stop the others, too."""
    user = make.user()
    environ = {
        "DATABASE_URL": app.config["CONFAB"].database_url,
        "DATABASE_POOL_SIZE": "2",
        "INSTANCE_DIR": app.instance_path,
        "STORAGE_URL": str(folder.root),
        "RATE_LIMITS": "off",
        "APP_ENV": "testing",
    }
    with Server(environ) as server, ExitStack() as stack:
        api = Api(server.url, make.token(user), user.id)
        files = [api.upload(f"{number}", DATA) for number in range(READS.threads)]
        pool = stack.enter_context(ThreadPoolExecutor(READS.threads))
        pipes, downloads = [], []
        for file, row in zip(files, rows(app), strict=True):
            path = folder.root / row.storage_key
            path.unlink()
            os.mkfifo(path)
            downloads.append(pool.submit(download, api, file["url"]))
            pipes.append(stack.enter_context(writing_end(path)))
        use(api)
        for pipe in pipes:
            assert os.write(pipe, DATA[:MIDDLE]) == MIDDLE
        use(api)  # while the downloads wait for their second piece
        assert not any(each.done() for each in downloads)
        for pipe in pipes:
            assert os.write(pipe, DATA[MIDDLE:]) == len(DATA) - MIDDLE
        assert [each.result(30) for each in downloads] == [DATA] * len(downloads)


def use(api: Api) -> None:
    """Make other requests, among them an upload, which uses the disk as well."""
    assert api("GET", "/api/users/me")["id"] == api.id
    assert api.upload("other", b"other")["size"] == 5
    assert api.send("hello")["content"] == "hello"


def download(api: Api, url: str) -> bytes:
    answer = requests.get(api.url + url, headers={"Authorization": f"Bearer {api.token}"}, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.content


@contextmanager
def writing_end(path: Path) -> Iterator[int]:
    """Open a FIFO for writing once the server has opened it for reading: from then on its reads block."""
    found: list[int] = []

    def is_open() -> bool:
        try:
            found.append(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
        except OSError as error:
            if error.errno != errno.ENXIO:  # nobody reads from it yet
                raise
        return bool(found)

    wait_until(is_open, "the server to read the file")
    os.set_blocking(found[0], True)
    try:
        yield found[0]
    finally:
        os.close(found[0])
