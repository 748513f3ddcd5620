"""Measure Confab against its targets. `make bench` runs all workloads over REST; named workloads run alone.

.venv-bench/bin/python bench/run.py                    all workloads over REST
.venv-bench/bin/python bench/run.py send history       only these two
.venv-bench/bin/python bench/run.py live               the socket, compared with Node's ws and socket.io
"""

import argparse
import os
import resource
import sys
import traceback
from contextlib import ExitStack
from pathlib import Path

import uvloop

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # as with `python -m bench.run`

from bench import footprint, live, report, rest, uploads  # noqa: E402
from bench.context import Bench  # noqa: E402
from bench.machine import LOAD_CORE, SERVER_CORE  # noqa: E402
from bench.postgres import DurablePostgres  # noqa: E402
from bench.servers import StartError  # noqa: E402

# Start-up and memory come first: no other server runs yet, so no memory is shared with another Confab.
REST = {
    "coldstart": footprint.coldstart,
    "memory": footprint.memory,
    "send": rest.send,
    "history": rest.history,
    "history-rich": rest.history_rich,
    "me": rest.me,
    "login-storm": rest.login_storm,
    "upload": uploads.upload,
}
# The socket groups of the last three stay connected, so workloads that must run alone come before them.
LIVE = {
    "socket-send": live.socket_send,
    "reactions": live.reactions,
    "reconnects": live.reconnects,
    "rest-with-sockets": live.rest_with_sockets,
    "socket-memory-users": live.socket_memory_users,
    "socket-memory": live.socket_memory,
    "fanout": live.fanout,
    "fanout-p99": live.fanout_p99,
}
MAX_FILES = 65536


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=", ".join([*REST, "rest", *LIVE, "live"]))
    parser.add_argument("--seconds", type=float, default=4, help="seconds of one run (%(default)s)")
    parser.add_argument("--runs", type=int, default=5, help="number of counted rounds (%(default)s)")
    parser.add_argument("--receivers", type=int, default=1000, help="sockets of the live workloads (%(default)s)")
    parser.add_argument("--peers-only", action="store_true", help="live: leave Confab out")
    parser.add_argument("--app", type=Path, default=ROOT, help="the checkout to measure (default: this one)")
    parser.add_argument("--baseline", type=Path, help="another checkout, measured in the same rounds for comparison")
    options = parser.parse_args()
    chosen = set(options.workloads or ["rest"])
    for name, group in (("rest", REST), ("live", LIVE)):
        if name in chosen:
            chosen = chosen - {name} | set(group)
    if unknown := chosen - {*REST, *LIVE}:
        parser.error(f"no such workload: {', '.join(sorted(unknown))}")
    options.workloads = chosen
    return options


async def run(options: argparse.Namespace, bench: Bench) -> int:
    """Run the chosen workloads. Returns the number of those that failed."""
    failed = 0
    for name, workload in {**REST, **LIVE}.items():
        if name in options.workloads:
            try:
                await workload(bench)
            except StartError as error:
                print(error, file=sys.stderr)
                return 1
            except Exception as error:  # noqa: BLE001  (the other workloads can still be measured)
                failed += 1
                print(f"{name:<34} failed: {error}", flush=True)
                if not isinstance(error, RuntimeError | OSError):
                    traceback.print_exc()
    return failed


def main() -> int:
    options = arguments()
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(MAX_FILES, limit), limit))
    os.sched_setaffinity(0, {LOAD_CORE})
    print(f"servers on core {SERVER_CORE}, load on core {LOAD_CORE}; {options.runs} rounds of {options.seconds:g} s")
    if SERVER_CORE == LOAD_CORE:
        print("note: servers and load share one core; the ratios are not reliable")
    with DurablePostgres() as postgres, ExitStack() as stack:
        checkouts = options.app.resolve(), options.baseline and options.baseline.resolve()
        settings = *checkouts, options.seconds, options.runs, options.receivers, options.peers_only
        failed = uvloop.run(run(options, Bench(*settings, postgres, stack)))
    if report.missed:
        print(f"missed: {', '.join(report.missed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
