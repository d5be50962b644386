"""Kaldi's files and NIST's: read, checked, mended, written. Nothing here computes."""
