"""What a run did, as paragraphs and references for a paper: only what its `metrics.json` says."""

from importlib.metadata import version
from typing import Any

from dtb_jax.evaluation.evidence import PERMUTATIONS
from dtb_jax.evaluation.figures import DRAWS
from dtb_jax.reporting.citations import ADAM, HOLM, PACKAGES, PAPER
from dtb_jax.types import STEP_S

HAZARDS = (
    f"In every step of {1000 * STEP_S:.0f} ms of a trial's response window a twin presses one "
    "button or none (competing hazards)"
)
RESPONSES = {
    "hazard": f"{HAZARDS}; its loss is the negative log likelihood of what was pressed.",
    "pulses": "Every button has a channel of its own, trained to be 1 at a press and 0 elsewhere.",
    "mixed": f"{HAZARDS}, with a chance of lapses and of trials that go by unattended.",
}


def methods(metrics: dict[str, Any]) -> list[str]:
    """Paragraphs for the methods of a paper; what the metrics do not say is not there.

    Args:
        metrics: what `metrics.json` holds.
    """
    protocol = metrics["protocol"]
    parts = [_data(metrics), _software(metrics)]
    if "split" in protocol:
        parts[1:1] = [_twins(metrics), _split(metrics), _statistics(metrics)]
    return [" ".join(sentences) for sentences in parts if sentences]


def people_are_simulated(metrics: dict[str, Any]) -> bool:
    """Whether people and what they do come from known causes."""
    known = metrics.get("truth") or metrics.get("true_share")
    return bool(known or "oracle_scores" in metrics.get("models", {}))


def references(metrics: dict[str, Any]) -> list[str]:
    """What the paragraphs cite, in alphabetical order.

    Args:
        metrics: what `metrics.json` holds.
    """
    protocol = metrics["protocol"]
    used = [PACKAGES[name].reference for name in protocol.get("versions", {}) if name in PACKAGES]
    used += [
        PAPER,
        f"The dtb_jax developers. dtb_jax: digital twin brains in JAX. {_release(protocol)}.",
    ]
    if "split" in protocol:
        used.append(ADAM)
    if _tested(metrics):
        used.append(HOLM)
    return sorted(filter(None, used), key=str.lower)


def _data(metrics: dict) -> list[str]:
    protocol, said = metrics["protocol"], []
    if "participants" in protocol:
        said.append(f"The data are of {protocol['participants']:,} people.")
    runs = protocol.get("people_with_behaviour", {})
    if runs:
        each = ", ".join(f"{name} ({people:,} people)" for name, people in runs.items())
        said.append(f"Behaviour is of the {'run' if len(runs) == 1 else 'runs'} {each}.")
    if "parcels" in protocol:
        edges = f" and {protocol['edges']:,} edges" if "edges" in protocol else ""
        said.append(f"A connectome has {protocol['parcels']:,} parcels{edges}.")
    sources = [protocol.get("connectome"), protocol.get("bold")]
    said += [
        "There was no BOLD." if source == "none" else f"{what} {source}."
        for what, source in zip(("Connectomes were", "BOLD was"), sources)
        if source
    ]
    if "simulated" in sources:
        said.append("Nothing simulated is evidence about brains.")
    if "causes" in protocol or people_are_simulated(metrics):
        said.append("People and their behaviour were simulated from known causes.")
    return said


def _twins(metrics: dict) -> list[str]:
    protocol, timing = metrics["protocol"], metrics.get("timing", {})
    mixed = protocol.get("twin") == "mixed" or "coordinates" in protocol
    network = f"a recurrent network of {protocol['units']} tanh units"
    if mixed:
        where = (
            f"{protocol['coordinates']} coordinates" if "coordinates" in protocol else "coordinates"
        )
        said = [
            f"A person's twin is {network}: the population's weights, moved along {where} of the "
            "person. What a connectome tells of the coordinates, and how far people stray from it, "
            "was learned from the training people."
        ]
    else:
        said = [
            f"A person's twin is {network}, all of whose weights a hypernetwork makes from the "
            "person's connectome."
        ]
    answers = "mixed" if mixed else protocol.get("response")
    said += [RESPONSES[answers]] if answers else []
    said.append("Parameters were learned with Adam (Kingma & Ba, 2015).")
    if "used_epoch" in timing:
        said.append(
            f"Training took {timing['epochs']} epochs; the parameters are those after epoch "
            f"{timing['used_epoch']}."
        )
    return said


def _seconds(times: float | dict[str, float]) -> str:
    """Of all runs, or of each."""
    if isinstance(times, dict):
        return ", ".join(f"{seconds:g} s in {run}" for run, seconds in times.items())
    return f"{times:g} s"


def _split(metrics: dict) -> list[str]:
    protocol, said = metrics["protocol"], []
    when = f" ({_seconds(protocol['split_s'])})" if "split_s" in protocol else ""
    until = f" (to {_seconds(protocol['stop_s'])})" if "stop_s" in protocol else ""
    if protocol["split"] == "time":
        said.append(
            f"The first part of each run{when} trained the twins, what came then{until} tested "
            "them; everybody tested was seen in training."
        )
    if "folds" in protocol:
        sizes = " and ".join(map(str, sorted(set(protocol["tested_in_a_fold"]))))
        said.append(
            f"People were split into {protocol['folds']} folds of {sizes}; each was tested by a "
            "twin of the people of all other folds."
        )
    if protocol.get("people_and_time"):
        said.append(
            f"Twins learned from the first part of each run{when} and were tested on the rest."
        )
    if protocol.get("repeats", 1) > 1:
        said.append(f"This was done {protocol['repeats']} times, with other folds each time.")
    if protocol.get("removed_from_connectome", "nothing") != "nothing":
        columns = protocol["removed_from_connectome"].replace(",", ", ")
        said.append(f"Within folds, {columns} were regressed out of the edges.")
    if "twins_cohort" in protocol:
        said.append(
            f"The twin learned from {protocol['twins_cohort']:,} people of another cohort and was "
            "not changed."
        )
    if "seen" in metrics:
        said.append(
            "Apart from that, twins of everybody's first part of each run were tested on its rest."
        )
    if "trained_on" in protocol:
        seeds = protocol["seeds"]
        which = f"Twins of {seeds} seeds" if seeds > 1 else "The twins"
        said.append(
            f"{which} learned from {protocol['trained_on']:,} people. The connectomes of "
            f"{protocol['edited']:,} people were edited, {protocol['edited_unseen']:,} of them "
            f"unseen in training. An edit was at most {protocol['budget_z']:.2f} long (Fisher z, "
            "root of the sum of squares over edges)."
        )
    if "axes" in protocol:
        said.append(f"Training was repeated over {', '.join(protocol['axes'])}.")
    return said


def _statistics(metrics: dict) -> list[str]:
    if not {"models", "edits"} & set(metrics):  # a sweep, say, has no intervals
        return []
    said = [f"Intervals are 95 % percentile bootstrap intervals over people ({DRAWS:,} draws)."]
    if "connectome_share" in metrics:
        said.append("Those of the connectome's share come from indirect inference.")
    if metrics["protocol"].get("bold", "none") != "none":
        said.append(
            "Observed t-values of BOLD come from a general linear model of each person, with "
            "Glover's haemodynamic response and cosine drifts."
        )
    if "glm" in metrics:
        said.append(_noise(metrics["glm"]))
    if "permutation_p" in metrics:
        said.append(
            "What is claimed of people nobody trained on are correlations over people, after age, "
            "sex, site and motion as far as these are known, among people who saw the same trial "
            "list. "
            f"p comes from {PERMUTATIONS:,} permutations of the tested people's predictions within "
            "folds and lists, with the null widened by √2 where there are several folds, and is "
            "corrected by Holm's method (1979) for all claims of the twin. Nothing is claimed "
            "where other connectomes reach half of the correlation, covariates reach the figure, "
            "or a ridge whose cross-validation is repeated with permuted people finds nothing."
        )
    if "support" in metrics:
        said.append(
            "Whether an edit may be believed was tested among unseen people, by the correlation of "
            f"what the twin told and what was observed ({PERMUTATIONS:,} permutations of the told, "
            "p corrected by Holm's method (1979) for all targets)."
        )
    return said


def _noise(glm: dict) -> str:
    """How the GLM's noise was modelled, and what that does to t-values."""
    each = ", ".join(
        f"{name} {effect['t_ratio']:.2f} (autocorrelation {effect['autocorrelation']:.2f})"
        for name, effect in glm["effect"].items()
    )
    kind = "AR(1), with series prewhitened" if glm["noise"] == "ar1" else "taken for independent"
    return (
        f"Its noise was {kind}. |t| with independent noise is that with AR(1) noise times: {each}, "
        "autocorrelation of residuals from one volume to the next."
    )


def _software(metrics: dict) -> list[str]:
    protocol = metrics["protocol"]
    each = [
        f"{package.name} {number}" + (f" ({package.cited})" if package.cited else "")
        for name, number in protocol.get("versions", {}).items()
        if (package := PACKAGES.get(name))
    ]
    said = [
        f"All was computed with dtb_jax, {_release(protocol).lower()}, which builds on the system "
        f"of Takahashi et al. (2026), and with {', '.join(each)}."
    ]
    if "seed" in protocol:
        said.append(f"The random seed was {protocol['seed']}.")
    device = metrics.get("timing", {}).get("device")
    return [*said, f"Device: {device}."] if device else said


def _release(protocol: dict) -> str:
    commit = protocol.get("commit", "unknown")
    known = "" if commit == "unknown" else f" (commit {commit})"
    return f"Version {version('dtb_jax')}{known}"


def _tested(metrics: dict) -> bool:
    return "permutation_p" in metrics or "support" in metrics
