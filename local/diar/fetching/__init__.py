"""Models, voices and corpora from elsewhere: downloaded once, checked, unpacked with care."""
