"""Where suites run: environments that hold what their name says, and the processes in them."""
