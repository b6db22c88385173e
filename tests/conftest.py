"""Strict everywhere: jaxtyping checks shapes and types of every annotated function.

Rank promotion stays allowed: adding a bias vector to a matrix reads as the equation does, and the
annotations catch what it could hide.
"""

import os
from pathlib import Path

os.environ.setdefault("JAX_PLATFORMS", "cpu")
# Experiments keep compiled programs between runs; tests run small ones often: keep them all.
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")

import jax
import pytest
from jaxtyping import install_import_hook

install_import_hook("dtb_jax", "beartype.beartype")

SHARED = Path(__file__).parents[2] / "shared"


@pytest.fixture
def x64():
    """Double precision inside one test."""
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data; a stranger's clone has none."""
    if not SHARED.is_dir():
        pytest.skip(f"no folder {SHARED}: the real data are not part of the project")
    return SHARED
