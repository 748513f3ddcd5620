"""Presence and typing."""
