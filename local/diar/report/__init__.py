"""One page that shows an experiment: scores, recordings, latents.

``recordings`` has the data of a recording, ``overview`` those of all, ``page`` makes HTML of both.
"""
