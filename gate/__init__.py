"""Guard: did a change make it slower? A verdict on two commits, and suspects in the history."""

from measure import git as _git  # noqa: F401  # a hook's repository is not the one that is meant
