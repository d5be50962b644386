"""Shared by the programs of local/: arguments, errors, jobs, progress. Never imported by the library."""

from dec_cli import program as program  # first: it checks that this is the Python of the recipe
