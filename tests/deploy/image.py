"""Build deploy/Dockerfile without a container engine: each stage is a folder with a Debian, in which its instructions run.

Needs root, the Debian package debootstrap, and the machine's own access to Debian and PyPI, which the folders get too.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests import packages
from tests.deploy.dockerfile import Instruction, Stage, context_files, read_dockerfile
from tests.processes import Folder
from tests.servers import ROOT

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
MACHINE = "confab-machine"
"""The folder in each stage with files of this machine that pip is configured to use, such as certificates."""

# A mount namespace and a process namespace of their own: mounts and processes end with the command, even if it is killed.
ENTER = """
set -eu
root=$1 writable=$2
shift 2
mount --make-rprivate /
mount --bind "$root" "$root"
cd "$root"
for pair in $MACHINE_MOUNTS; do mount --bind --read-only "${pair%%:*}" "$root${pair#*:}"; done
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
if [ "$writable" != all ]; then
    for volume in $writable; do mount --bind "$root$volume" "$root$volume"; done
    mount -o remount,bind,ro "$root"
    mount -t tmpfs tmpfs "$root/tmp"
fi
exec chroot "$@"
"""


class Image:
    """An image, built as the constructor's last step. `root` is its file system."""

    def __init__(self) -> None:
        self.folder = Folder()
        self.folder.path.chmod(0o755)
        self.mounts: dict[Path, str] = {}
        self.roots: dict[str, Path] = {}
        self.stages = read_dockerfile(ROOT / "deploy/Dockerfile")
        try:
            for stage in self.stages:
                self.root = self._build(stage)
        except BaseException:
            self.folder.remove()
            raise

    @property
    def stage(self) -> Stage:
        """The stage that makes the image: the last one."""
        return self.stages[-1]

    @property
    def user(self) -> tuple[int, int]:
        """The numbers of the account and the group of the image's USER."""
        name = self.stage.last("USER").rest
        entries = [line.split(":") for line in (self.root / "etc/passwd").read_text().splitlines()]
        return next((int(entry[2]), int(entry[3])) for entry in entries if entry[0] == name)

    def _build(self, stage: Stage) -> Path:
        suite = re.fullmatch(r"debian:([a-z]+)-slim", stage.base)
        if suite is None:
            raise ValueError(f"{stage.base} is no image that the tests can make")
        root = self.folder.path / (stage.name or "image")
        report(f"FROM {stage.base}")
        subprocess.run(["cp", "--archive", self._base(suite[1]), root], check=True)
        folder = "/"
        for each in stage.instructions:
            if each.word in {"RUN", "COPY", "WORKDIR"}:
                report(f"{each.word} {each.rest}")
            if each.word == "WORKDIR":
                folder = each.rest
                self.run(root, ["mkdir", "-p", folder]).check_returncode()
            elif each.word == "COPY":
                self._copy(each, root, folder)
            elif each.word == "RUN":
                done = self.run(root, ["/bin/sh", "-c", f"cd {folder} && {each.rest}"])
                if done.returncode:
                    raise RuntimeError(f"RUN {each.rest} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        self.roots[stage.name] = root
        return root

    def _base(self, suite: str) -> Path:
        """A minimal Debian, made once, with this machine's access to Debian and PyPI."""
        base = self.folder.path / f"base-{suite}"
        if not base.exists():
            report(f"debootstrap {suite}")
            command = [packages.debootstrap_binary(), "--variant=minbase", suite, base, debian_mirror(suite)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise RuntimeError(f"debootstrap ended with {done.returncode}:\n{done.stdout[-3000:]}{done.stderr}")
            self._give_access(base)
        return base

    def _give_access(self, base: Path) -> None:
        for name in ("sources.list", "sources.list.d", "auth.conf", "auth.conf.d", "trusted.gpg.d", "keyrings"):
            _replace(Path("/etc/apt") / name, base / "etc/apt" / name)
        for path in Path("/etc/apt/apt.conf.d").iterdir():
            if re.search("Acquire", path.read_text()):
                shutil.copy(path, base / "etc/apt/apt.conf.d")
        _replace(Path("/usr/share/keyrings"), base / "usr/share/keyrings")
        for name in ("resolv.conf", "hosts"):
            shutil.copy(f"/etc/{name}", base / "etc" / name)
        # As in the images of Debian: without it apt waits for the disk after each file.
        (base / "etc/dpkg/dpkg.cfg.d/unsafe-io").write_text("force-unsafe-io\n")
        for n, place in enumerate(sorted(pip_places())):
            # The pages of a local index refer to files beside them, and a certificate must not hide that of the stage.
            inside = str(place) if place.is_dir() else f"/{MACHINE}/{n}"
            target = _inside(base, inside)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.mkdir() if place.is_dir() else target.touch()
            self.mounts[place] = inside

    def _environment(self) -> dict[str, str]:
        """The variables of a command in a stage: pip's settings, with the paths that they have there."""
        found = {
            "PATH": PATH,
            "DEBIAN_FRONTEND": "noninteractive",
        }
        found |= pip_settings()
        for place, inside in self.mounts.items():
            found = {name: value.replace(str(place), inside) for name, value in found.items()}
        return found

    def _copy(self, copy: Instruction, root: Path, folder: str) -> None:
        source, target = copy.words()
        destination = _inside(root, os.path.join(folder, target))
        if "from" in copy.options:
            shutil.copytree(_inside(self.roots[copy.options["from"]], source), destination, symlinks=True)
            return
        for path in context_files(ROOT / source):
            (destination / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / source / path, destination / path)

    def command(
        self, root: Path, words: list[str], *, user: tuple[int, int] = (0, 0), writable: str = "all"
    ) -> list[str | Path]:
        """The command that runs *words* in a stage. *writable* names the folders that can be written, or is `all`."""
        return [
            "unshare", "--mount", "--pid", "--fork", "--kill-child=SIGKILL", "sh", "-c", ENTER, "enter", root, writable,
            f"--userspec={user[0]}:{user[1]}", "--groups=", root, *words,
        ]  # fmt: skip

    def variables(self, given: dict[str, str]) -> dict[str, str]:
        """The environment of `command`, with *given* for the program inside."""
        mounts = " ".join(f"{place}:{inside}" for place, inside in self.mounts.items())
        return {"PATH": PATH, **given, "MACHINE_MOUNTS": mounts}

    def run(self, root: Path, words: list[str]) -> subprocess.CompletedProcess[str]:
        """Run a command in a stage as root, and wait for its end."""
        env = self.variables(self._environment())
        return subprocess.run(self.command(root, words), env=env, capture_output=True, text=True, check=False)

    def command_of_user(self, words: list[str]) -> list[str | Path]:
        """The command that runs *words* as a container would: as USER in WORKDIR, with only /tmp and the volumes writable."""
        folder = self.stage.last("WORKDIR").rest
        volumes = " ".join(self.stage.last("VOLUME").words())
        inside = ["/bin/sh", "-c", 'cd "$1" && shift && exec "$@"', "enter", folder, *words]
        return self.command(self.root, inside, user=self.user, writable=volumes)

    def remove(self) -> None:
        """Remove all stages."""
        self.folder.remove()


def report(line: str) -> None:
    """Print a line of progress."""
    print(line, file=sys.stderr, flush=True)


def debian_mirror(suite: str) -> str:
    """The address from which this machine's apt gets *suite*."""
    command = ["apt-get", "indextargets", "--format", "$(CODENAME) $(REPO_URI)", "Identifier: Packages"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    for codename, _, address in (line.partition(" ") for line in lines):
        if codename == suite:
            return address
    raise packages.Missing(f"apt of this machine does not know Debian's {suite}: add it to /etc/apt/sources.list.d.")


def pip_settings() -> dict[str, str]:
    """This machine's configuration of pip, as variables."""
    lines = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True)
    return dict(_settings(lines.stdout.splitlines()))


def pip_places() -> set[Path]:
    """The files and folders of this machine that pip is configured to use; of an index, the folder with its files too."""
    words = {word.removeprefix("file://") for value in pip_settings().values() for word in value.split()}
    places = {Path(word) for word in words if word.startswith("/") and Path(word).exists()}
    return {place.parent if place.name == "simple" else place for place in places}


def _settings(lines: list[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        if match := re.fullmatch(r"(?:global|:env:)\.([a-z-]+)='(.*)'", line):
            yield f"PIP_{match[1].upper().replace('-', '_')}", match[2].replace("\\n", " ")


def _inside(root: Path, path: str) -> Path:
    return root / path.lstrip("/")


def _replace(source: Path, target: Path) -> None:
    if target.is_dir():
        shutil.rmtree(target)
    else:
        target.unlink(missing_ok=True)
    if source.is_dir():
        shutil.copytree(source, target)
    elif source.exists():
        shutil.copy(source, target)
