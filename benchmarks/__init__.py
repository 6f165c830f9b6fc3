"""asv suites: what is timed, on which data, and by which rule. Libraries load only inside setup.

asv imports these files from the working tree, but ``import lsekernels`` gives the package as
installed for the measured commit. So parameters, data, references and errors come from the
working tree (``tree``), today's ruler for every commit, and only backends from ``lsekernels``.
"""

import os

from ._tree import tree

THREADS = tree("threads").limit(os.environ.get("LSEKERNELS_THREADS", "1"))
