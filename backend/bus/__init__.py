"""How workers exchange events: within this process, or through Redis."""
