"""Clusterings of vectors without a network, and how they count."""
