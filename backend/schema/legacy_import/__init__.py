"""Adoption: how the database of another program becomes Confab's, with its rows.

`detect` tells what is there, `aside` renames the tables that are in the way to `legacy_…`, the migrations make ours, and
`people`, `sign_ins`, `places` and `talk` copy the rows over; `report` counts. All of it happens in the one transaction of
whoever calls `run`, so a run that was killed leaves the database as it was, and the next one begins anew.
"""
