"""Static pictures for papers, drawn on a ``matplotlib.figure.Figure`` and saved as PDF, PNG or SVG.

``canvas`` has the shared parts. Each other module draws one kind of picture on a given figure:
it keeps the width and sets the height. The colours are those of ``diar.base.colours``.
"""
