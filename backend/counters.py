"""What this process has done, counted where it happens: as cheap as an addition. `backend.ops.metrics` tells it on."""

from __future__ import annotations

from collections import Counter

COUNTERS: Counter[str] = Counter()
