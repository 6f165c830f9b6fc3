"""A page's numbers, each made once: with interval, unit and commit."""
