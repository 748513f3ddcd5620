"""Reports of messages."""
