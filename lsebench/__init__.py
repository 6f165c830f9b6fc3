"""Around asv: what measures, judges, remembers and shows; ``python -m lsebench``."""

from . import git as _git  # noqa: F401  # a hook's repository is not the one that is meant
