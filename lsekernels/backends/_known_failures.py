"""What several backends get wrong, whichever library computes the same formula."""

from ..backend import Failures

LOSES_TINY_TERMS: Failures = {
    (kernel, case): "1 + tiny is 1: https://github.com/scipy/scipy/pull/21597"
    for kernel in ("logsumexp", "logsumexp_rows")
    for case in ("denormal_terms", "one_dominant", "two_terms_far_apart")
    if (kernel, case) != ("logsumexp_rows", "one_dominant")  # too long to be a case of rows
}
"""What every backend in the textbook form gets wrong."""

WITHOUT_INTERCHANGES: Failures = {
    ("lu_unpivoted", case): "a pivot is zero or small: "
    "https://en.wikipedia.org/wiki/Pivot_element#Examples_of_systems_that_require_pivoting"
    for case in (
        *("swap", "tiny_pivot", "late_zero_pivot", "row_of_zeros", "cyclic", "cyclic_far"),
        *("zero_first_7", "zero_first_33", "zero_first_100"),
    )
}
"""What elimination gets wrong that never interchanges rows."""
