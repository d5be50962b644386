"""Windows of speech, and an x-vector of each."""
