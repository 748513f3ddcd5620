"""Pages for people. Everything they load comes from here."""
