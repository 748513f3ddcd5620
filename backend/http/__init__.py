"""What every request passes through: request ids, size limits, errors as problem+json, headers, paging, JSON."""
