"""Samples of audio files: decoded, resampled, and spooled where they are long."""
