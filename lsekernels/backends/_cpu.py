"""What this CPU has, as NumPy and the system tell it; of what they don't, nothing is assumed."""

import os
from pathlib import Path

_CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
_UNITS = {"K": 2**10, "M": 2**20}


def features() -> frozenset[str]:
    """Return the features that NumPy has found and that nobody has switched off, by its names."""
    import numpy

    core = numpy._core if hasattr(numpy, "_core") else numpy.core  # NumPy 1
    found = getattr(getattr(core, "_multiarray_umath", None), "__cpu_features__", {})
    return frozenset(name for name, has in found.items() if has)


def instruction_sets() -> tuple[str, ...]:
    """Return the sets in meson.build, ``tuned``, that it has, best first."""
    found = features()
    avx2 = {"AVX2", "FMA3"} <= found
    return (*(["avx512"] if avx2 and "AVX512_SKX" in found else []), *(["avx2"] if avx2 else []))


def cache(level: int, otherwise: int) -> int:
    """Return the bytes of a core's cache of data, or `otherwise`."""
    try:
        index = 0
        while (folder := _CACHES / f"index{index}").exists():
            index += 1
            facts = {n: (folder / n).read_text().strip() for n in ("level", "type", "size")}
            if facts["level"] == str(level) and facts["type"] != "Instruction":
                return int(facts["size"].rstrip("KM")) * _UNITS[facts["size"][-1]]
        return os.sysconf(f"SC_LEVEL{level}_CACHE_SIZE") or otherwise
    except (OSError, ValueError, KeyError, AttributeError):
        return otherwise


def numpy_vectorizes_exp() -> bool:
    """Return whether NumPy's exp computes several float64 at once, which takes AVX-512 so far."""
    try:
        from numpy.lib.introspect import opt_func_info
    except ImportError:  # NumPy 1
        return "AVX512_SKX" in features()
    loops = opt_func_info(func_name="^exp$").get("exp", {})
    chosen = [loop["current"] for types, loop in loops.items() if types[0] == "d"]
    return any(name.startswith(("AVX512", "X86_V4")) for name in chosen)
