"""The truth: from a connectome, through stated causes, to parameters, responses, indicators.

Pure functions, one person, differentiable: an edited connectome is sent through them by adding the
edit, a difference in Fisher-z edges, to the person's noise-free connectome.
"""

from collections.abc import Mapping
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Float, PRNGKeyArray

from dtb_jax.simulation.behaviour import Design, Responses, expect, make_design, respond
from dtb_jax.simulation.causes import Causes
from dtb_jax.simulation.parameters import (
    FACES_RUN,
    RUNS,
    STROOP_AP,
    Parameters,
    Residual,
    Scale,
    parameters_of,
)
from dtb_jax.simulation.responses import amygdala_contrast
from dtb_jax.types import Array


class Indicators(NamedTuple):
    """What interventions aim at, expected without noise, one run each of Faces and Stroop AP."""

    affective: Float[Array, "*people"]  # right amygdala, face > shape, in SD of a parcel
    faces_rt_s: Float[Array, "*people"]  # mean over the run's trials, correct presses
    stroop_rt_s: Float[Array, "*people"]
    faces_effect_s: Float[Array, "*people"]
    stroop_effect_s: Float[Array, "*people"]


class CausalModel(NamedTuple):
    """All that causes behaviour; leaves are arrays, so that `jit` and `grad` carry it."""

    causes: Causes
    rho: Float[Array, " parameter"]  # share of each parameter's stable variance that is caused
    scale: Scale
    items: Mapping[str, Float[Array, " trial"]]  # difficulty of each trial by run, for everybody

    def true_scores(self, connectome: Float[Array, " edge"]) -> Float[Array, " parameter"]:
        """Standardised causal scores of a noise-free connectome."""
        told = jnp.matmul(self.causes.weights, connectome, precision="highest")
        return (told - self.causes.centre) / self.causes.spread

    def true_parameters(self, connectome: Float[Array, " edge"], residual: Residual) -> Parameters:
        """A person's parameters in every run.

        latent = sqrt(rho) score(connectome) + sqrt(1 - rho) residual.person

        Args:
            connectome: noise-free Fisher-z edges, edited or not.
            residual: the person's; zeros in `run` and `slope` give the stable part.

        Returns: `Parameters`, [run].
        """
        return self.parameters_of_scores(self.true_scores(connectome), residual)

    def parameters_of_scores(
        self, scores: Float[Array, " parameter"], residual: Residual
    ) -> Parameters:
        """As `true_parameters`, from scores."""
        return parameters_of(self.latent(scores, residual), residual, self.scale)

    def latent(
        self, scores: Float[Array, " parameter"], residual: Residual
    ) -> Float[Array, " parameter"]:
        """What is stable in a person: sqrt(rho) scores + sqrt(1 - rho) residual.person."""
        return self.rho**0.5 * scores + (1 - self.rho) ** 0.5 * residual.person

    def task(self, run: str) -> Design:
        """A run of `parameters.RUNS` as `true_response` takes it."""
        return make_design(run, self.items[run])

    def true_response(
        self, parameters: Parameters, task: Design, *, key: PRNGKeyArray
    ) -> Responses:
        """Draw a person's presses in one run, see `behaviour.respond`."""
        return respond(parameters, task, key=key)

    def true_indicators(self, connectome: Float[Array, " edge"], residual: Residual) -> Indicators:
        """What is to be expected of a person with this connectome.

        Args:
            connectome: noise-free Fisher-z edges, edited or not.
            residual: the person's.

        Returns: `Indicators`.
        """
        return self.indicators_of(self.true_parameters(connectome, residual))

    def indicators_of(self, parameters: Parameters) -> Indicators:
        """As `true_indicators`, from parameters."""
        means = []
        for run in (FACES_RUN, STROOP_AP):
            design = self.task(RUNS[run])
            time = expect(parameters, design).reaction_time_s
            hard = jnp.sum(time * design.hard) / jnp.sum(design.hard)
            easy = jnp.sum(time * (1 - design.hard)) / jnp.sum(1 - design.hard)
            means.append((jnp.mean(time), hard - easy))
        (faces, faces_effect), (stroop, stroop_effect) = means
        return Indicators(
            affective=amygdala_contrast(parameters.amygdala_gain[FACES_RUN]),
            faces_rt_s=faces,
            stroop_rt_s=stroop,
            faces_effect_s=faces_effect,
            stroop_effect_s=stroop_effect,
        )
