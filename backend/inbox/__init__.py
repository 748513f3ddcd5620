"""A user's inbox: its rows, unread counts, read marks and sync."""
