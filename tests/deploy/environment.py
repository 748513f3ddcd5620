"""Fill a new virtual environment with copies of what the tests' own environment has of requirements.txt, and with pip.

python environment.py REQUIREMENTS FOLDER

An installation by pip takes 15 s of CPU time. `make image` and `make install` make real ones. Only the pinned versions are
copied, so what requirements.txt does not name is missing here too.
"""

from __future__ import annotations

import re
import shutil
import sys
from importlib.metadata import Distribution, distribution
from pathlib import Path


def fill(requirements: Path, folder: Path) -> None:
    """Copy the distributions of *requirements* into the environment *folder*. Raises ValueError for another version."""
    (packages,) = folder.glob("lib/python3.*/site-packages")
    _copy(distribution("pip"), packages, folder)
    for name, version in re.findall(r"^([\w.-]+)(?:\[.*\])?==([^\s;]+)", requirements.read_text(), re.MULTILINE):
        found = distribution(name)
        if found.version != version:
            raise ValueError(f"{name} {found.version} is installed, and {requirements.name} names {version}")
        _copy(found, packages, folder)


def _copy(package: Distribution, packages: Path, folder: Path) -> None:
    for file in package.files or []:
        source, target = Path(str(package.locate_file(file))), packages / file
        if not source.exists():  # a compiled file of a folder that was moved
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)  # with its time, which its compiled file names
        if source.parent.name == "bin":
            target.write_text(re.sub(r"^#!.*", f"#!{folder}/bin/python", target.read_text(), count=1))


if __name__ == "__main__":
    fill(Path(sys.argv[1]), Path(sys.argv[2]))
