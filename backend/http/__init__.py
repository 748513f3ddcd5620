"""What all requests share: request ids, size limits, errors as problem+json, headers, paging, JSON, OpenAPI."""
