"""Adoption: imports the database of another program, with its rows.

`detect` finds the legacy tables, with what `mapping` says about their names, and `unexplained` lists those that are not adopted.
`rename` renames tables with conflicting names to `legacy_…`, and the migrations create Confab's tables. `users`, `sessions`,
`rooms` and `messages` copy the rows, and `report` counts them. All of it is one transaction of the caller of `run`: a run that
was killed leaves the database unchanged, and can be repeated.
"""
