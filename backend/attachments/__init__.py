"""Attachments of messages: their rows and their files. `backend.messages` decides who may see them."""
