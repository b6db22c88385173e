"""Digital twin brains: from a connectome to choices, reaction times and BOLD, and back."""

from dtb_jax.twin.config import TrainConfig as TrainConfig
from dtb_jax.twin.config import TwinConfig as TwinConfig
from dtb_jax.twin.fit import fit as fit
from dtb_jax.twin.hypernetwork import Hypernetwork as Hypernetwork
from dtb_jax.twin.rnn import MainNetwork as MainNetwork
from dtb_jax.twin.rnn import unroll as unroll
from dtb_jax.twin.twin import Twin as Twin
from dtb_jax.twin.twin import make_twin as make_twin
from dtb_jax.twin.twin import simulate as simulate
from dtb_jax.twin.twin import simulate_cohort as simulate_cohort
from dtb_jax.types import Sequences as Sequences

__version__ = "0.1.0"


def __getattr__(name: str):
    """`load_twin` and `tell`, which need Orbax and pandas: imported when they are asked for."""
    if name in ("load_twin", "tell"):
        from dtb_jax.models import serialization

        return getattr(serialization, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
