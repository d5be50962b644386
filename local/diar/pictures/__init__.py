"""Static pictures for papers, drawn on a ``matplotlib.figure.Figure`` and saved as PDF, PNG or SVG.

``canvas`` has what all share. Each other module draws one kind of picture on a figure that it is given:
it takes the width as it is, and sets the height. The colours are those of ``diar.base.colours``.
"""
