"""Accounts and sessions: signing in, and everything that it needs."""
