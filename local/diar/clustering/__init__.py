"""Clustering of vectors without a network, and estimates of the number of speakers."""
