"""Who the speakers are: voices that are known, and the same person in several recordings."""
