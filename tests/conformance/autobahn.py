"""Autobahn's cases against Confab's sockets. `kosoku` drives Autobahn's own case files, which alone need Python 2."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from kosoku import FailureError, run_fuzzingclient

from backend import create_app
from config import Config
from tests.realtime.conftest import SETTINGS, Deployment, app_root, migrate
from tests.servers import Server

if TYPE_CHECKING:
    from kosoku._kosoku import CaseResult


class Policy(NamedTuple):
    """Cases that Confab refuses on purpose, each with that close code; without a code: what it does not offer."""

    cases: tuple[str, ...]
    code: int | None
    reason: str


POLICY = (
    Policy(
        ("1.2.*", "9.2.1", "9.4.1", "9.4.2", "9.4.3", "9.4.4", "9.4.5", "9.4.6", "9.8.*"),
        1003,
        "Frames are JSON in text: a binary message ends the socket.",
    ),
    Policy(
        ("7.1.6", "9.1.[2-6]", "9.2.[2-6]", "9.3.*", "9.4.[7-9]", "9.5.*", "9.6.*"),
        4413,
        "A message has at most 64 KiB, in however many fragments, so that no client makes a worker hold more.",
    ),
    Policy(
        ("12.*", "13.*"),
        None,
        "No compression is offered (RFC 7692): its state would cost each idle socket more memory than all else.",
    ),
)  # fmt: skip
GOOD = {"OK", "NON-STRICT", "INFORMATIONAL"}
"""Informational are the cases about what RFC 6455 leaves undefined."""


def policy_of(case_id: str) -> Policy | None:
    """By what policy a case is refused, if it is."""
    return next((policy for policy in POLICY if any(fnmatchcase(case_id, each) for each in policy.cases)), None)


def complaint(case: CaseResult) -> str | None:
    """What is wrong with the outcome of a case, if anything is."""
    policy, behavior = policy_of(case.case_id), case.behavior.value
    if policy is None:
        wanted, is_good = "to pass", case.passed and behavior in GOOD
    elif policy.code is None:
        wanted, is_good = "not to be offered", behavior == "UNIMPLEMENTED"
    else:
        wanted, is_good = f"to be refused with {policy.code}", case.remote_close_code == policy.code
    if is_good:
        return None
    seen = f"{behavior}, close {case.behavior_close.value}, code {case.remote_close_code}: {case.result}"
    return f"case {case.case_id} was {wanted}: {seen} {case.result_close}"


def run(
    deployment: Deployment, cases: Sequence[str] | None = None, but: Sequence[str] | None = None
) -> list[CaseResult]:
    """The outcomes of *cases* (all unless given) against a deployment that echoes."""
    user = deployment.user()
    url = f"{deployment.url.replace('http', 'ws')}/ws/autobahn?token={user.token}"
    with ThreadPoolExecutor(
        1
    ) as pool:  # a thread of its own, because the tests' own may run a loop already: Playwright's
        return pool.submit(lambda: asyncio.run(_run(url, cases, but))).result()


async def _run(url: str, cases: Sequence[str] | None, but: Sequence[str] | None) -> list[CaseResult]:
    try:
        return await run_fuzzingclient(url, cases, but)
    except FailureError as failure:
        return list(failure.results)


@contextmanager
def echoing(folder: Path) -> Iterator[Deployment]:
    """A server of the application in `tests.conformance.echo`."""
    settings = SETTINGS | {"DATABASE_URL": f"sqlite:///{folder}/confab.db", "INSTANCE_DIR": str(folder)}
    app = create_app(Config.from_env(settings))
    migrate(app)
    with Server(settings, root=app_root(folder, "tests.conformance.echo")) as server:
        yield Deployment(server, app, None)


def main() -> list[str]:
    """Run every case; what is wrong."""
    with tempfile.TemporaryDirectory(prefix="confab-autobahn-") as folder, echoing(Path(folder)) as deployment:
        results = run(deployment)
    verdicts = Counter(case.behavior.value if policy_of(case.case_id) is None else "refused" for case in results)
    print(f"Autobahn: {len(results)} cases;", ", ".join(f"{count} {name}" for name, count in sorted(verdicts.items())))
    for policy in POLICY:
        print(f"  refused, {policy.code or 'not offered'}: {' '.join(policy.cases)}: {policy.reason}")
    unused = {pattern for policy in POLICY for pattern in policy.cases}
    unused -= {pattern for pattern in unused if any(fnmatchcase(case.case_id, pattern) for case in results)}
    return [each for case in results if (each := complaint(case))] + [f"no case is {each}" for each in sorted(unused)]
