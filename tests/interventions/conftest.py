import pytest

from tests.interventions.small import small_setting


@pytest.fixture(scope="session")
def setting():
    return small_setting()
