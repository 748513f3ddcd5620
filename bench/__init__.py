"""Speed, measured against references in the same run. See README.md; `run.py` is the command."""
