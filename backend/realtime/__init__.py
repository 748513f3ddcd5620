"""The live socket: events of every conversation, in order, to whoever may hear them."""
