"""Speech regions and local speakers."""
