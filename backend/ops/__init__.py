"""Operating Confab: health, metrics, and the doctor."""
