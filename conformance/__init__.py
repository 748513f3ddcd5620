"""Conformance of clients: a server that misbehaves on cue, the cases, and the runner. docs/clients.md explains them."""
