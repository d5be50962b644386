"""Distribution of work among processes, machines and clusters."""
