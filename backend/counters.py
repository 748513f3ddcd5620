"""Counters of this process, incremented where things happen. `backend.ops.metrics` exports them."""

from __future__ import annotations

from collections import Counter

COUNTERS: Counter[str] = Counter()
