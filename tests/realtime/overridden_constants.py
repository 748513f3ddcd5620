"""Confab with other values of its constants, so that a test need not wait for long timeouts.

OVERRIDES names them: `{"backend.realtime.heartbeat": {"HEARTBEAT_SECONDS": 1}}`.
"""

from __future__ import annotations

import importlib
import json
import os

from backend import create_app

for module, constants in json.loads(os.environ["OVERRIDES"]).items():
    for name, value in constants.items():
        getattr(importlib.import_module(module), name)  # raises AttributeError for a name that does not exist
        setattr(importlib.import_module(module), name, value)
app = create_app()
