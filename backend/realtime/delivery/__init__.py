"""Delivery of a conversation's events in order, once, to its subscribers."""
