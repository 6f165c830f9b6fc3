"""What several tests ask of a backend in a process of its own, asked once."""

import json
from functools import cache

import pytest

from lsekernels import registry

from .browser import address, browser, sites, visit  # noqa: F401

ALONE = """
import json, sys, time
from lsekernels import threads
threads.limit(sys.argv[2])
import numpy
from pathlib import Path
import lsekernels
from lsekernels import Unavailable, registry

def mode():
    tiny = numpy.array([5e-324, 1e-310])
    third = numpy.float64(1) / numpy.float64(3)
    return ((tiny * 1.0).tolist(), (tiny / 2).tolist(), third.hex(), (-third).hex(),
            float(numpy.float64(1) + 2.0**-53).hex(), numpy.geterr())

def spent():
    # processor time of each thread, in seconds
    found = {}
    for task in Path("/proc/self/task").iterdir():
        try:
            found[task.name] = time.clock_gettime(~int(task.name) << 3 | 6)
        except OSError:
            pass  # it has ended
    return found

def busy():
    # processor time of all threads over that of the busiest: 1 if it works alone
    before, start = spent(), time.process_time()
    while time.process_time() - start < 0.3:
        call()
    own = [now - before.get(task, 0) for task, now in spent().items()]
    return sum(own) / max(own)

modes = [mode()]
try:
    backend = registry.load(sys.argv[1])
except Unavailable as error:
    print(json.dumps({"unavailable": str(error)}))
    sys.exit()
lsekernels.logsumexp(numpy.array([0.0, -740.0]), backend=sys.argv[1])
lsekernels.logsumexp(numpy.ones(100_000, "f4"), backend=sys.argv[1])
modes.append(mode())
ratios = []
if len(sys.argv) > 3 and sys.platform.startswith("linux"):
    call = backend.prepare("logsumexp", numpy.random.RandomState(0).standard_normal(3_000_000))
    while len(ratios) < int(sys.argv[3]) and max(ratios, default=0) < 1.5:
        ratios.append(busy())
print(json.dumps({"modes": modes, "busy": max(ratios, default=None)}))
"""


@pytest.fixture(scope="session")
def alone(python, leave_out):
    """Return what a backend does to a process in which nothing else is: threads, arithmetic."""

    @cache
    def ask(name, setting="1", *windows):
        if reason := registry.declaration(name).missing():
            return {"unavailable": reason}
        return json.loads(python(ALONE, name, setting, *windows).splitlines()[-1])

    def found(*arguments):
        said = ask(*arguments)
        if "unavailable" in said:
            leave_out(arguments[0], said["unavailable"])
        return said

    return found
