"""Extension modules built ahead of time; ``meson.build`` lists their sources, one row each."""
