"""Host-only readers: files in, `Cohort` and ledger out."""

from dtb_jax.data.cohort import below_chance as below_chance
from dtb_jax.data.cohort import read_cohort as read_cohort
from dtb_jax.data.config import DataConfig as DataConfig
from dtb_jax.data.ledger import DataError as DataError
from dtb_jax.data.ledger import ExclusionLog as ExclusionLog
from dtb_jax.data.parcels import read_parcels as read_parcels
