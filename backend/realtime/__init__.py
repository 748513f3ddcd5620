"""Realtime delivery: the events of every conversation, in order, over WebSockets to the users who may read it."""
