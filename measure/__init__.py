"""Running asv: environments that hold what their name says, and profiles that can be resumed."""
