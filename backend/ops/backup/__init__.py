"""Backups of a whole installation: the database, the uploads and the secrets in one archive."""
