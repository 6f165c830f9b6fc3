"""asv plugin: our pages over asv's data, written by ``asv publish`` into ``html/``.

asv's own pages load four kinds of assets from other sites and show an error without them; ours and
asv-tachyon's take their place, and nothing leaves the site.

asv imports its plugins for every command, and an asv user has installed nothing else. So what the
pages are made with is imported when they are made.
"""

from __future__ import annotations

from typing import Any

from asv.commands.publish import Publish
from asv.publishing import OutputPublisher

from lsebench import git as _git  # noqa: F401  # a hook's repository is not the one that is meant

from . import whole

PAGES = {
    "index.html": "Which tool?",
    "history.html": "History",
    "incidents.html": "Incidents",
    "tools.html": "Tools",
    "limits.html": "Limits",
    "accuracy.html": "Accuracy",
    "libraries.html": "Libraries",
    "findings.html": "Findings",
    "claims.html": "Claims",
    "machines.html": "Machines",
}


class Pages(OutputPublisher):  # type: ignore[misc]  # asv has no annotations
    """The whole site, over the data that asv has written."""

    name = "pages"
    button_label = "Pages"
    description = "Our pages, and asv-tachyon for every series as it is"
    order = 100  # behind all publishers of asv, whose pages are taken away

    @classmethod
    def publish(
        cls, conf: Any, repo: Any, benchmarks: Any, graphs: Any, revisions: dict[str, int]
    ) -> None:
        """Write the site in place of asv's own pages."""
        from . import write

        write.write(conf, repo, benchmarks, graphs, revisions)


Publish.run = staticmethod(whole.whole(Publish.run))  # `asv gh-pages` calls it, too
