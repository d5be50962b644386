"""Decoding of window posteriors to turns."""
