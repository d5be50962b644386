"""What every other package may use: types, times, configuration, errors, files. Imports nothing of ours."""
