"""What spans features: the caller's own account, its export and erasure, and administration."""
