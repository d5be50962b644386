"""What the programs of local/ share: arguments, errors, jobs, progress. Never imported by the library."""

from dec_cli import program as program  # before all else: is this the Python of the recipe?
