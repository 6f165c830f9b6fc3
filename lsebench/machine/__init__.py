"""The machine: is it fit to measure on, and what it does in a night."""
