"""Conversations and their messages: order, delivery and reading."""
