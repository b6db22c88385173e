"""Splits, models without connectomes, metrics and verdicts; every model scored alike."""

from dtb_jax.evaluation.figures import Figure as Figure
from dtb_jax.evaluation.folds import Fold as Fold
from dtb_jax.evaluation.folds import Part as Part
from dtb_jax.evaluation.predict import Prediction as Prediction
from dtb_jax.evaluation.predict import predict as predict
from dtb_jax.evaluation.scored import Scored as Scored
from dtb_jax.evaluation.scores import score as score
from dtb_jax.evaluation.splits import cut as cut
from dtb_jax.evaluation.splits import fit_bold_scale as fit_bold_scale
