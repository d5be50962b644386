"""Conversations that never were, of real voices."""
