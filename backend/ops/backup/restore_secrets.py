"""The secrets of a restored installation.

If the secrets of this installation are in files of INSTANCE_DIR, those of the backup replace them, because nothing needs the
former ones: the database is empty. Secrets of the environment cannot be changed from here, so they must be those of the backup.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from click import ClickException

from backend.ops.backup import secrets_file
from config import SECRET_FILES, Config
from private_files import write_private


def plan_secrets(config: Config, secrets: Mapping[str, str], *, is_resumed: bool) -> dict[Path, str]:
    """The files to write, with their contents. Raises ClickException if this installation has other secrets."""
    differing = [name for name in SECRET_FILES if secrets.get(name.upper()) != getattr(config, name)]
    if set_elsewhere := [name.upper() for name in differing if not _is_from_file(config, name)]:
        path = secrets_file.write(config, secrets)
        raise ClickException(
            f"{' and '.join(set_elsewhere)} of the environment differ from the backup, and without those of the backup second "
            f"factors and sessions are lost. They were written to {path}. Set them in the environment, delete that file, and "
            "run this command again. Nothing else was changed."
        )
    for name in differing:
        if not (is_resumed or name in config.generated_secrets or _belongs_to_database(config)):
            raise ClickException(
                f"{config.instance_dir / name} is a secret of another installation. Nothing was changed. Set INSTANCE_DIR to "
                "a new folder; or, if nothing uses that secret, delete the file and run this command again."
            )
    return {config.instance_dir / name: secrets[name.upper()] for name in differing}


def write_secrets(config: Config, planned: Mapping[Path, str]) -> None:
    """Write the files."""
    for path, secret in planned.items():
        write_private(path, secret.encode())


def has_other_previous(config: Config, secrets: Mapping[str, str]) -> bool:
    """Whether the backup has a JWT_SECRET_KEY_PREVIOUS that is not set here. It can only be set in the environment."""
    previous = secrets.get(secrets_file.PREVIOUS)
    return previous is not None and previous != config.jwt_secret_key_previous


def _is_from_file(config: Config, name: str) -> bool:
    path = config.instance_dir / name
    return path.exists() and path.read_text().strip() == getattr(config, name)


def _belongs_to_database(config: Config) -> bool:
    """Whether the database, which is empty, is in INSTANCE_DIR as well: then the secrets protect nothing."""
    file = config.database_file
    return file is not None and file.parent == config.instance_dir
