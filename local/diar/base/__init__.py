"""Shared by all packages: types, configuration, errors, files. Imports no other package."""
