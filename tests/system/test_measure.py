"""What a range of commits is, by git."""

import pytest

from measure import __main__ as measure


def test_unknown_range_is_an_error_of_use(capsys, monkeypatch, root):
    monkeypatch.chdir(root)
    with pytest.raises(measure.util.UserError, match="no range 'nowhere"):
        measure.list_commits("nowhere..HEAD")
    with pytest.raises(measure.util.UserError, match="no commit is in"):
        measure.list_commits("HEAD..HEAD")
