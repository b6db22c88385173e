"""Metrics, baselines and splits; host side, every model scored alike."""

from dtb_jax.evaluation.metrics import Figure as Figure
from dtb_jax.evaluation.predict import Prediction as Prediction
from dtb_jax.evaluation.predict import predict as predict
from dtb_jax.evaluation.scores import Scored as Scored
from dtb_jax.evaluation.scores import score as score
from dtb_jax.evaluation.splits import cut as cut
from dtb_jax.evaluation.splits import fit_bold_scale as fit_bold_scale
from dtb_jax.evaluation.splits import hold_out as hold_out
