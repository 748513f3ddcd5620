"""Full-text search of messages: tokens, queries, matches and the index."""
