"""Who computes: one file for each name on the dashboard."""
