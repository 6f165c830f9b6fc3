"""asv plugin: ``asv profile`` takes one environment, and says so where a benchmark is n/a in it.

asv itself takes the first environment of the matrix, but the last where a revision is named (the
variable of a loop over all of them is used behind it). That has all threads, with which most
backends are n/a; and what is n/a has no profile, which ends in a traceback.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from traceback import extract_tb
from typing import Any

from asv import util
from asv.commands.asv_profiling import Profile
from asv.environment import get_environments


def in_one_environment(profile: Callable[..., Any]) -> Callable[..., Any]:
    """Return asv's `profile` for the first environment of this Python, unless one is asked for."""

    def run(
        conf: Any, benchmark: str, *args: Any, env_spec: Sequence[str] | None = None, **kwargs: Any
    ) -> Any:
        if not env_spec:
            names = (
                env.name
                for env in get_environments(conf, None)
                if util.env_py_is_sys_version(env.python)
            )
            env_spec = list(islice(names, 1))
        try:
            return profile(conf, benchmark, *args, env_spec=env_spec, **kwargs)
        except KeyError as error:
            if extract_tb(error.__traceback__)[-1].name != "get_profile":
                raise
            # asv looks for what was not run.
            raise util.UserError(
                f"{benchmark} has no profile: it is n/a or failed, as said above. "
                "Another environment: -E NAME (a whole name, as `asv show` prints it)"
            ) from None

    return run


Profile.run = staticmethod(in_one_environment(Profile.run))
