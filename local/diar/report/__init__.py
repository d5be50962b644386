"""One page that shows what an experiment did: scores, recordings, latents.

``recordings`` says what is shown of a recording, ``overview`` what of all, ``page`` makes HTML of both.
"""
