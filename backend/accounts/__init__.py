"""Functions across features: the caller's own account, export, erasure and administration."""
