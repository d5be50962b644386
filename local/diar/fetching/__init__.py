"""Models, voices and corpora from elsewhere: downloaded once, verified, safely unpacked."""
