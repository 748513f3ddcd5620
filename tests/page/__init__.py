"""The page at `/` in a real browser, against a running server: through what a person sees, by role and name."""
