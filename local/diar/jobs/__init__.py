"""Work shared among processes, machines and clusters."""
