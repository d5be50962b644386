"""What every package may use: types, configuration, errors, files. It imports no other package."""
