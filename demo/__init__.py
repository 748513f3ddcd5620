"""`make demo`: an embedded database with a team of twenty people and eight weeks of their messages, to look at Confab with.

The texts are in `data/`, where a person can edit them. README.md describes their form. Nothing here is part of the server: it
writes through the services of `backend`, and only into its own folder.
"""
