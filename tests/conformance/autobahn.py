"""Autobahn's cases against Confab's sockets. `kosoku` runs Autobahn's own case files, which otherwise need Python 2."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from kosoku import FailureError, run_fuzzingclient

from backend import create_app
from config import Config
from tests.realtime.conftest import SETTINGS, Deployment, app_root, migrate
from tests.servers import Server
from tests.threads import in_thread

if TYPE_CHECKING:
    from kosoku._kosoku import CaseResult


class Policy(NamedTuple):
    """Cases that Confab refuses on purpose, each with this close code. Without a code Confab does not offer the feature."""

    cases: tuple[str, ...]
    code: int | None
    reason: str


POLICY = (
    Policy(
        ("1.2.*", "9.2.1", "9.4.1", "9.4.2", "9.4.3", "9.4.4", "9.4.5", "9.4.6", "9.8.*"),
        1003,
        "Frames are JSON in text: a binary message closes the socket.",
    ),
    Policy(
        ("7.1.6", "9.1.[2-6]", "9.2.[2-6]", "9.3.*", "9.4.[7-9]", "9.5.*", "9.6.*"),
        4413,
        "A message has at most 64 KiB in all its fragments, so that no client makes a worker buffer more.",
    ),
    Policy(
        ("12.*", "13.*"),
        None,
        "No compression is offered (RFC 7692): its state would take more memory than the rest of an idle socket.",
    ),
)  # fmt: skip
GOOD = {"OK", "NON-STRICT", "INFORMATIONAL"}
"""INFORMATIONAL: the case is about something that RFC 6455 leaves undefined."""


def policy_of(case_id: str) -> Policy | None:
    """The policy by which Confab refuses a case, or None."""
    return next((policy for policy in POLICY if any(fnmatchcase(case_id, each) for each in policy.cases)), None)


def failure_of(case: CaseResult) -> str | None:
    """Why the outcome of a case is wrong, or None where it is right."""
    policy, behavior = policy_of(case.case_id), case.behavior.value
    if policy is None:
        expected, is_good = "to pass", case.passed and behavior in GOOD
    elif policy.code is None:
        expected, is_good = "not to be offered", behavior == "UNIMPLEMENTED"
    else:
        expected, is_good = f"to be refused with {policy.code}", case.remote_close_code == policy.code
    if is_good:
        return None
    outcome = f"{behavior}, close {case.behavior_close.value}, code {case.remote_close_code}: {case.result}"
    return f"case {case.case_id} was {expected}: {outcome} {case.result_close}"


def run(
    deployment: Deployment, cases: Sequence[str] | None = None, excluded: Sequence[str] | None = None
) -> list[CaseResult]:
    """Run *cases* (by default all but *excluded*) against a server that echoes, and return their outcomes."""
    user = deployment.user()
    url = f"{deployment.url.replace('http', 'ws')}/ws/autobahn?token={user.token}"
    return in_thread(lambda: asyncio.run(_run(url, cases, excluded)))


async def _run(url: str, cases: Sequence[str] | None, excluded: Sequence[str] | None) -> list[CaseResult]:
    try:
        return await run_fuzzingclient(url, cases, excluded)
    except FailureError as failure:
        return list(failure.results)


@contextmanager
def echo_deployment(folder: Path) -> Iterator[Deployment]:
    """A server of the application in `tests.conformance.echo`."""
    settings = SETTINGS | {"DATABASE_URL": f"sqlite:///{folder}/confab.db", "INSTANCE_DIR": str(folder)}
    app = create_app(Config.from_env(settings))
    migrate(app)
    with Server(settings, root=app_root(folder, "tests.conformance.echo")) as server:
        yield Deployment(server, app, None)


def main() -> list[str]:
    """Run every case. Returns a line for each wrong outcome."""
    with tempfile.TemporaryDirectory(prefix="confab-autobahn-") as folder, echo_deployment(Path(folder)) as deployment:
        results = run(deployment)
    verdicts = Counter(case.behavior.value if policy_of(case.case_id) is None else "refused" for case in results)
    print(f"Autobahn: {len(results)} cases;", ", ".join(f"{count} {name}" for name, count in sorted(verdicts.items())))
    for policy in POLICY:
        print(f"  refused, {policy.code or 'not offered'}: {' '.join(policy.cases)}: {policy.reason}")
    unmatched = {pattern for policy in POLICY for pattern in policy.cases}
    unmatched -= {pattern for pattern in unmatched if any(fnmatchcase(case.case_id, pattern) for case in results)}
    return [each for case in results if (each := failure_of(case))] + [
        f"no case matches {each}" for each in sorted(unmatched)
    ]
