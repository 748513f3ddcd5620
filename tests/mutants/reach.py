"""Which tests reach which line of a module, and how long each takes. Cached for each file of tests."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from coverage import CoverageData

from tests.mutants.config import Module

MIN_FILES_OF_XDIST = 3
FACTORY = "backend/__init__.py"
COPY_SECONDS = 0.3


@dataclass
class Reach:
    """The tests of one module."""

    lines: dict[int, set[str]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    """Tests that failed although nothing was changed. They tell nothing of a mutant, so they are left out."""
    servers: set[str] = field(default_factory=set)
    """Tests that drive a running server, whose lines are not measured."""
    imported: set[int] = field(default_factory=set)
    """The lines that run when the module is imported."""
    creators: set[str] = field(default_factory=set)
    """Tests in which an application was created, for themselves or for the whole run."""

    def tests(self, lines: Iterable[int] | None) -> list[str]:
        """The tests that reach any of *lines*, or all if it is None; the quickest first, those with servers last.

        A test on PostgreSQL counts as longer, because the first one of a run copies a database.
        A line that runs only in an import, or while an application is created, concerns all tests too.
        """
        reaching = {test for line in lines or () for test in self.lines.get(line, ())}
        is_early = reaching <= self.creators if reaching else not self.imported.isdisjoint(lines or ())
        found = set(self.seconds) if is_early or lines is None else reaching
        return sorted(found | self.servers, key=lambda test: (test in self.servers, self._cost(test)))

    def _cost(self, test: str) -> float:
        return self.seconds.get(test, 0) + (COPY_SECONDS if "postgresql" in test else 0)


def refresh(root: Path, cache: Path, modules: list[Module], jobs: int) -> None:
    """Measure what the tests of *modules* reach, in those of their files that changed since the last time."""
    for with_servers in (False, True):
        stale = {
            file
            for module in modules
            for file in _test_files(root, module.server_tests if with_servers else module.tests)
            if not _is_current(root, _entry(cache, file, with_servers), file, module.path)
        }
        if stale:
            print(f"measuring which line each test of {len(stale)} files reaches", flush=True)
            _run(root, cache, sorted(stale), with_servers=with_servers, jobs=jobs)


def read_reach(root: Path, cache: Path, module: Module) -> Reach:
    """The tests of *module* and what they reach, after `refresh`."""
    reach = Reach()
    entries = [_entry(cache, file, False) for file in _test_files(root, module.tests)]
    entries += [_entry(cache, file, True) for file in _test_files(root, module.server_tests)]
    for entry in entries:
        found = json.loads(entry.read_text())
        reach.seconds |= found["seconds"]
        reach.failed += found["failed"]
        reach.servers |= set(found["servers"])
        reach.imported.update(found["imported"].get(module.path, ()))
        reach.creators.update(*found["lines"].get(FACTORY, {}).values())
        for line, tests in found["lines"].get(module.path, {}).items():
            reach.lines.setdefault(int(line), set()).update(set(tests) & found["seconds"].keys())
    return reach


def _entry(cache: Path, file: str, with_servers: bool) -> Path:
    return cache / f"{_digest(f'{file} {with_servers}')}.json"


def _test_files(root: Path, paths: list[str]) -> list[str]:
    found = [
        file for path in paths for file in ([root / path] if path.endswith(".py") else (root / path).rglob("test_*.py"))
    ]
    return sorted({str(file.relative_to(root)) for file in found})


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _is_current(root: Path, entry: Path, file: str, module: str) -> bool:
    if not entry.exists():
        return False
    found = json.loads(entry.read_text())
    digests = found["digests"] if "imported" in found else {}
    return all(digests.get(name) == _digest((root / name).read_text()) for name in (file, module))


def _early_lines(found: Collection[dict[str, dict[int, list[str]]]]) -> dict[str, set[int]]:
    """The lines that run only while an application is created. It is created once, and serves the tests of all files."""
    creators = {test for lines in found for tests in lines.get(FACTORY, {}).values() for test in tests}
    reaching: dict[str, dict[int, set[str]]] = {}
    for lines in found:
        for name, by_line in lines.items():
            for line, tests in by_line.items():
                reaching.setdefault(name, {}).setdefault(line, set()).update(tests)
    return {name: {line for line, tests in own.items() if tests <= creators} for name, own in reaching.items()}


def _run(root: Path, cache: Path, files: list[str], *, with_servers: bool, jobs: int) -> None:
    data, record = cache / "coverage", cache / "record.json"
    data.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "tests.mutants.recorder", *files]
    command += ["--cov=backend", "--cov-context=test", "--cov-report="]
    command += [] if with_servers else ["-m", "not no_cover"]
    command += ["-n", str(jobs), "--dist=worksteal"] if len(files) > MIN_FILES_OF_XDIST else []
    environment = os.environ | {"COVERAGE_FILE": str(data), "MUTANTS_RECORD": str(record)}
    with (cache / "output").open("wb") as output:
        subprocess.run(command, cwd=root, env=environment, stdout=output, stderr=output, check=False)
    found = json.loads(record.read_text())
    contexts = CoverageData(str(data))
    contexts.read()
    names = {Path(file).resolve().relative_to(root.resolve()).as_posix(): file for file in contexts.measured_files()}
    lines: dict[str, dict[str, dict[int, list[str]]]] = {file: {} for file in files}
    imported: dict[str, list[int]] = {}
    for name, measured in names.items():
        for line, tests in contexts.contexts_by_lineno(measured).items():
            if "" in tests:
                imported.setdefault(name, []).append(line)
            for test in {test.rpartition("|")[0] for test in tests} - {""}:
                lines[test.partition("::")[0]].setdefault(name, {}).setdefault(line, []).append(test)
    for name, early in _early_lines(lines.values()).items():
        imported[name] = sorted({*imported.get(name, ()), *early})
    modules = [path.relative_to(root).as_posix() for path in root.glob("backend/**/*.py")]
    digests = {name: _digest((root / name).read_text()) for name in modules}
    reaching = {
        test for found_in in lines.values() for by_line in found_in.values() for ids in by_line.values() for test in ids
    }
    for file in files:
        own = {test: seconds for test, seconds in found["seconds"].items() if test.partition("::")[0] == file}
        _entry(cache, file, with_servers).write_text(json.dumps({
            "digests": digests | {file: _digest((root / file).read_text())},
            "seconds": own,
            "failed": [test for test in found["failed"] if test.partition("::")[0] == file],
            "servers": sorted(own.keys() - reaching) if with_servers else [],
            "lines": lines[file],
            "imported": imported,
        }))  # fmt: skip
