"""Identities of speakers: known voices, and the same person in several recordings."""
