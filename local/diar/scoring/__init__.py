"""Evaluation of hypotheses: error rates, comparisons, tables."""
