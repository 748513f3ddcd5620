"""Conversations: their ids, their sequence numbers, direct conversations and contacts."""
