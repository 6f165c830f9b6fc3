"""What a range of commits is, by git."""

import pytest
from asv.util import UserError

from lsebench import git


def test_unknown_range_is_an_error_of_use(capsys, monkeypatch, root):
    monkeypatch.chdir(root)
    with pytest.raises(UserError, match="no range 'nowhere"):
        git.list_commits("nowhere..HEAD")
    with pytest.raises(UserError, match="no commit is in"):
        git.list_commits("HEAD..HEAD")
