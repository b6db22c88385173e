"""A folder that is whole, and a copy of it to break."""

import os
import shutil

import pytest

from tests.data.small_study import Study
from tests.small import write_small_cohort


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    return write_small_cohort(tmp_path_factory.mktemp("whole"), participants=4)


@pytest.fixture
def root(whole, tmp_path):
    """The large files are links, replaced before they are changed."""
    copy = tmp_path / "cohort"
    shutil.copytree(whole, copy, copy_function=os.link)
    return copy


@pytest.fixture
def study(tmp_path):
    """A small BIDS folder with XCP-D's tables."""
    return Study(tmp_path / "bids")
