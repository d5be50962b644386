"""What the programs of local/ share: arguments, errors, jobs, progress. Never imported by the library."""
