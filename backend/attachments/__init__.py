"""Files that messages carry: their rows and their bytes. Who may see them is decided in `backend.messages`."""
