"""Rate limits, and where calls are counted. `backend.http.rate_limits` applies them to requests."""
