"""How workers tell each other of events: in this process, or through Redis."""
