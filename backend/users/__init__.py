"""Users: profiles, directory, roles, blocks and avatars."""
