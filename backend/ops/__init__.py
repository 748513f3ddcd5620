"""Running Confab: whether it is alive, ready and sound."""
