"""The entry point of gunicorn and of the `flask` command."""

import gc
import sys

# Almost everything that is created while the modules load stays. Looking for garbage among it would take a fifth of the start.
gc.disable()

import private_files  # noqa: E402
from backend import create_app  # noqa: E402
from backend.http import logging  # noqa: E402
from backend.schema.gate import ModelFault, check_schema  # noqa: E402
from config import Config, ConfigError  # noqa: E402

IS_SERVER = "gunicorn.arbiter" in sys.modules

private_files.set_umask()
try:
    config = Config.from_env()
    logging.configure(config, is_command=not IS_SERVER)
    app = create_app(config)
except ConfigError as error:
    for fault in error.faults:
        print(f"confab: {fault}", file=sys.stderr)
    sys.exit(1)
except ModelFault as fault:
    sys.exit(f"confab: {fault}")

# The `flask` command must work on any database, because it repairs them.
if IS_SERVER:
    check_schema(app)
    gc.set_threshold(10_000, 20, 20)

# What was loaded is never garbage. Without this, each full collection would scan it: a worker would stand still for 70 ms, and a
# command would take half a second longer. There is hardly any garbage before it: 0.15 MB.
gc.freeze()
gc.enable()
