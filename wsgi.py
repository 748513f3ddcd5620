"""The entry point of gunicorn and of the `flask` command."""

import sys

from backend import create_app
from backend.schema.gate import ModelFault
from config import ConfigError

try:
    app = create_app()
except ConfigError as error:
    for fault in error.faults:
        print(f"confab: {fault}", file=sys.stderr)
    sys.exit(1)
except ModelFault as fault:
    sys.exit(f"confab: {fault}")
