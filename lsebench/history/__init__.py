"""Stored results over commits: steps, trends, and the commit that made one."""
