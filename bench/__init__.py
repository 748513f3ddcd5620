"""Speed, measured against references in the same run. See README.md; start with `run.py`."""
