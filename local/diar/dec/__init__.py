"""Deep embedded clustering of one recording."""
