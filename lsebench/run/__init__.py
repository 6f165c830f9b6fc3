"""Measuring: profiles of asv's benchmarks, and calls compared side by side."""
