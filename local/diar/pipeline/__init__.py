"""All stages for one recording at a time, and the baselines."""
