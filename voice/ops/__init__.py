"""Operation: health and doctor."""
