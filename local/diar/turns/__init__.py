"""From the posteriors of windows to turns."""
