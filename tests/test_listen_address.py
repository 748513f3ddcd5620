"""The start of a server at an address that it cannot open: one line that names the program there, and a free port."""

from __future__ import annotations

import os
import re
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

import listen_address
from tests.processes import free_port, wait_until
from tests.servers import Server, stand_in

HELLO = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Length", "5")])
    return [b"hello"]
"""
V6 = [("::", "127.0.0.1"), ("::1", "::1")] if socket.has_dualstack_ipv6() else []


def listen(port: int, host: str = "127.0.0.1") -> socket.socket:
    return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)


@pytest.fixture
def busy() -> Iterator[int]:
    """A port of this process, and the next one is busy too."""
    with ExitStack() as stack:
        while True:
            port = free_port()
            try:
                stack.enter_context(closing(listen(port)))
                stack.enter_context(closing(listen(port + 1)))
            except OSError:
                continue
            yield port
            return


@pytest.fixture
def own_name() -> str:
    return Path("/proc/self/comm").read_text().strip()


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stand_in(tmp_path_factory.mktemp("root"), HELLO)


@pytest.fixture(scope="module")
def metrics(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The settings of a server with metrics. Those of an earlier run at its address are in its folder."""
    instance, port = tmp_path_factory.mktemp("metrics") / "instance", free_port()
    file = instance / f"metrics-{port}" / "counter_1.db"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"")
    return {"METRICS_TOKEN": "a token of the tests", "INSTANCE_DIR": str(instance), "PORT": str(port)}


@pytest.fixture(scope="module")
def running(root: Path, metrics: dict[str, str]) -> Iterator[Server]:
    with Server(metrics, root=root) as server:
        yield server


def metrics_file(metrics: dict[str, str], name: str) -> Path:
    return Path(metrics["INSTANCE_DIR"]) / f"metrics-{metrics['PORT']}" / name


def fault(port: int, host: str = "127.0.0.1") -> str:
    with pytest.raises(SystemExit) as exit_:
        listen_address.check([(host, port)], "PORT={port} make run")
    return str(exit_.value)


def test_a_busy_port_is_one_line_with_the_program_and_a_free_port(busy: int, own_name: str) -> None:
    with Server({"PORT": str(busy)}, wait=False) as server:
        assert server.wait() == 1
        who = f"{own_name} (process {os.getpid()})"
        [line] = server.output().splitlines()
        found = re.fullmatch(
            rf"confab: (.*) already listens at 127\.0\.0\.1:{busy}\. Choose another port: PORT=(\d+) make run", line
        )
        assert found, line
        assert found[1] == who
        assert int(found[2]) > busy + 1
        with closing(listen(int(found[2]))):
            pass


def test_in_production_the_line_names_the_variable_alone(busy: int) -> None:
    secrets = {"SECRET_KEY": "qA7#kzP0wLx!9dVfR2mYb@5TuE8sHg4n", "JWT_SECRET_KEY": "Zp3$vNc6Jt&1oKyW0rQe*8iUxB7mDa2f"}
    with Server({"PORT": str(busy), "APP_ENV": "production", **secrets}, wait=False) as server:
        assert server.wait() == 1
        [line] = server.output().splitlines()
        assert re.search(r"Choose another port: PORT=\d+$", line)


def test_a_refused_server_names_the_running_one_and_leaves_its_metrics(
    running: Server, root: Path, metrics: dict[str, str]
) -> None:
    """It names the server rather than its worker."""
    file = metrics_file(metrics, "counter_2.db")
    file.write_bytes(b"")
    with Server(metrics, root=root, wait=False) as second:
        assert second.wait() == 1
        assert f"(process {running.pid}) already listens" in second.output()
    assert file.exists()


def test_a_server_removes_the_metrics_of_an_earlier_run(running: Server, metrics: dict[str, str]) -> None:
    file = metrics_file(metrics, "counter_1.db")
    assert file.parent.is_dir()
    assert not file.exists()


def test_a_reload_keeps_the_address(running: Server) -> None:
    former = running.worker_pids
    os.kill(running.pid, signal.SIGHUP)
    wait_until(lambda: running.worker_pids and not set(former) & set(running.worker_pids), "new workers", 30)
    running.wait_until_ready()
    assert "already listens" not in running.output()


@pytest.mark.parametrize(("there", "wanted"), [("0.0.0.0", "127.0.0.1"), ("127.0.0.1", "0.0.0.0"), *V6])
def test_the_program_is_found_at_every_conflicting_address(there: str, wanted: str) -> None:
    with socket.socket(socket.AF_INET6 if ":" in there else socket.AF_INET) as other:
        if there == "::":
            other.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        other.bind((there, 0))
        other.listen()
        assert f"(process {os.getpid()})" in fault(other.getsockname()[1], wanted)


def test_a_program_at_another_address_is_not_named() -> None:
    port = free_port()  # none of those that the kernel gives to outgoing connections
    with closing(listen(port, "127.0.0.2")):
        assert listen_address.listening_program("127.0.0.1", port) is None
        listen_address.check([("127.0.0.1", port)], "{port}")


def test_a_program_that_the_system_hides_is_another_program(
    busy: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(listen_address, "PROC", tmp_path)
    assert fault(busy).startswith(f"confab: Another program already listens at 127.0.0.1:{busy}. ")


def test_an_address_of_another_machine_is_one_line() -> None:
    with Server({"HOST": "192.0.2.1"}, wait=False) as server:
        assert server.wait() == 1
        [line] = server.output().splitlines()
        assert line.startswith(f"confab: It is impossible to listen at 192.0.2.1:{server.port}: ")
        assert line.endswith("Correct HOST or PORT.")


def test_unix_sockets_and_inherited_ones_are_not_checked(busy: int) -> None:
    """The check reaches the busy port behind them, and not before."""
    free = ("127.0.0.1", free_port())
    listen_address.check([free, "/nowhere/socket", 3], "{port}")
    with pytest.raises(SystemExit, match=f"already listens at 127.0.0.1:{busy}"):
        listen_address.check([free, "/nowhere/socket", 3, ("127.0.0.1", busy)], "{port}")


def test_the_name_of_a_program_has_no_control_characters(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    process = tmp_path / "7"
    (process / "fd").mkdir(parents=True)
    (process / "fd" / "3").symlink_to("socket:[99]")
    (process / "comm").write_text("evil\x1b[31m\n")
    (tmp_path / "net").mkdir()
    order = "0100007F" if sys.byteorder == "little" else "7F000001"
    (tmp_path / "net" / "tcp").write_text(f"head\n 0: {order}:1F40 00000000:0000 0A 0:0 0:0 0 1000 0 99 1\n")
    monkeypatch.setattr(listen_address, "PROC", tmp_path)
    assert listen_address.listening_program("127.0.0.1", 8000) == "evil[31m (process 7)"
