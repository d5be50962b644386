"""Samples of audio files: decoding, resampling, and spooling long ones to disk."""
