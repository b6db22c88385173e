"""A cohort small enough for tests, shared by several of them."""

from pathlib import Path

from dtb_jax.groundtruth.atlas import choose_parcels
from dtb_jax.groundtruth.cohort import write_cohort
from dtb_jax.groundtruth.world import make_world


def write_small_cohort(out: Path, participants: int, parcels: int = 48, **options) -> Path:
    """Simulated people in TCP's layout, with short rest runs."""
    world = make_world(choose_parcels(parcels), seed=0)
    write_cohort(out, world, participants=participants, rest_volumes=240, **options)
    return out
