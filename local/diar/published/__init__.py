"""The published interface's data set and its runs over data sets."""
