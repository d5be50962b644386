"""How right hypotheses are: rates, comparisons, tables."""
