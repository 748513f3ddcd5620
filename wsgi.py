"""The entry point of gunicorn and of the `flask` command."""

import gc
import sys

import private_files
from backend import create_app
from backend.http import logging
from backend.schema.gate import ModelFault, check_schema
from config import Config, ConfigError

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
    # The loaded modules are never garbage. Without this, each full collection would scan them and block the worker for 70 ms.
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
