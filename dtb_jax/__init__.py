"""Digital twin brains: from a connectome to choices, reaction times and BOLD, and back."""

from dtb_jax.hypernet import Hypernetwork as Hypernetwork
from dtb_jax.mainnet import MainNetwork as MainNetwork
from dtb_jax.mainnet import unroll as unroll
from dtb_jax.settings import Settings as Settings
from dtb_jax.training import fit as fit
from dtb_jax.twin import Twin as Twin
from dtb_jax.twin import make_twin as make_twin
from dtb_jax.twin import simulate as simulate
from dtb_jax.twin import simulate_cohort as simulate_cohort
from dtb_jax.types import Run as Run

__version__ = "0.1.0"


def __getattr__(name: str):
    """`load_twin` and `tell`, which need Orbax and pandas: imported when they are asked for."""
    if name in ("load_twin", "tell"):
        from dtb_jax import portable

        return getattr(portable, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
