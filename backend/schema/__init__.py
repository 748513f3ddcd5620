"""The shape of the database: which revision it is at, where it differs from the models, and who may serve on it."""
