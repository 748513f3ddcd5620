"""The entry point of gunicorn and of the `flask` command."""

import sys

from backend import create_app
from backend.schema.gate import check_schema
from config import ConfigError

try:
    app = create_app()
except ConfigError as error:
    for fault in error.faults:
        print(f"confab: {fault}", file=sys.stderr)
    sys.exit(1)

# The `flask` command must work on any database, for it is what mends one.
if "gunicorn.arbiter" in sys.modules:
    check_schema(app)
