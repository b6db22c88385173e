"""Which features of a connectome tell unseen people best? Every candidate for f on the same people.

    python -m benchmarks.encoders --json=benchmarks/results/encoders.json

Numbers are simulated at the level of scores, sqrt(rho) score + sqrt(1 - rho) normal, of causes of
each kind. Some people train; r is over people nobody has seen, with the whole number. Other people
have connectomes and no behaviour: the self-supervised candidate and the tangent space's reference
learn from them. All candidates but the regressions of scikit-learn's kind are averages over
mixtures and shares by restricted likelihood, as in `dtb_jax.models.mixed_effects.encoder`.
"""

import argparse
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from benchmarks.scores import KINDS, Scanned, all_scores, scan
from dtb_jax.data.writing import write_json
from dtb_jax.models import regression
from dtb_jax.models.mixed_effects.components import (
    LEVELS,
    log_evidence,
    mixtures,
    outside,
    spectrum,
    weights_of,
)
from dtb_jax.models.mixed_effects.features import block_features, edge_features, parcel_features
from dtb_jax.models.tangent import correlations
from dtb_jax.simulation.atlas import choose_parcels
from dtb_jax.workflows.session import commit, versions

REGRESSIONS = {
    "ridge": regression.ridge,
    "kernel ridge": regression.kernel_ridge,
    "ridge on principal components": regression.pca_ridge,
}
AGREEING = 300
"""Components that the self-supervised candidate keeps at most."""


class Kernel(NamedTuple):
    """Products of features between everybody, and how many features there are."""

    products: np.ndarray  # [people, people]
    features: int


SHIPPED = ("edges", "blocks", "parcels")
SHIPS = ", ".join(SHIPPED)
CANDIDATES: dict[str, tuple[str, ...]] = {
    "edges": ("edges",),
    "blocks": ("blocks",),
    "edges, blocks": ("edges", "blocks"),
    SHIPS: SHIPPED,
    f"{SHIPS}, nonlinear": (*SHIPPED, "nonlinear"),
    f"{SHIPS}, self-supervised": (*SHIPPED, "agreeing"),
    f"{SHIPS}, tangent": (*SHIPPED, "tangent"),
}
"""Kinds of features of each."""


def main(
    people: int, tested: int, others: int, parcels: int, rho: float, draws: int, seed: int
) -> dict:
    """Simulate, fit every candidate, and print one row a candidate."""
    atlas = choose_parcels(parcels)
    networks = list(atlas["network"])
    scanned = scan(atlas, people + tested + others, seed)
    with_behaviour = people + tested
    kernels, prepared_s = kernels_of(scanned, with_behaviour, networks)
    mean = (scanned.first[:with_behaviour] + scanned.second[:with_behaviour]) / 2
    rng = np.random.default_rng(seed)
    scores = {
        kind: all_scores(kind, networks, scanned.true, draws, seed)[:with_behaviour]
        for kind in KINDS
    }
    found: dict[str, list] = {}
    seconds: dict[str, float] = {}
    with threadpool_limits(1):
        for draw in tqdm(range(draws), desc="cohorts"):
            order = rng.permutation(with_behaviour)
            train, test = order[:people], order[people:]
            caused = np.stack([scores[kind][:, draw] for kind in KINDS], axis=1)
            y = np.sqrt(rho) * caused + np.sqrt(1 - rho) * rng.normal(size=caused.shape)
            for name, told, took in asked(mean, kernels, y, train, test):
                off = y[test] - told
                r = [correlation(told[:, k], y[test, k]) for k in range(len(KINDS))]
                explained = 1 - (off**2).mean(0) / y[test].var(0)
                found.setdefault(name, []).append((r, explained))
                seconds[name] = seconds.get(name, 0.0) + took / draws
    rows = [row(name, each, found, kernels, seconds, prepared_s) for name, each in found.items()]
    print(pd.DataFrame(rows).to_string(index=False, float_format="%.3f"))
    return {
        "people": people,
        "tested": tested,
        "without_behaviour": others,
        "rho": rho,
        "draws": draws,
        "parcels": parcels,
        "seed": seed,
        "connectome": "simulated",
        "commit": commit(),
        "versions": versions(),
        "rows": rows,
    }


def row(name: str, each, found, kernels, seconds, prepared_s) -> dict:
    """One candidate: mean r and explained share by causes, and what r gains over what ships."""
    r, explained = np.array(each).transpose(1, 0, 2)
    gain = r - np.array(found[SHIPS])[:, 0]
    error = gain.std(axis=0, ddof=1) / np.sqrt(len(gain))
    kinds = CANDIDATES.get(name, ("edges",))
    return (
        {"candidate": name}
        | {f"r_{kind}": float(r[:, k].mean()) for k, kind in enumerate(KINDS)}
        | {f"explained_{kind}": float(explained[:, k].mean()) for k, kind in enumerate(KINDS)}
        | {f"gain_{kind}": float(gain[:, k].mean()) for k, kind in enumerate(KINDS)}
        | {f"gain_se_{kind}": float(error[k]) for k, kind in enumerate(KINDS)}
        | {
            "features": sum(kernels[kind].features for kind in kinds),
            "prepare_s": sum(prepared_s[kind] for kind in kinds),
            "fit_s": seconds[name],
        }
    )


def asked(mean, kernels, y, train, test):
    """(candidate, what it tells of the test people, seconds) of all candidates."""
    for name, method in REGRESSIONS.items():
        began = time.perf_counter()
        told = method(mean[train], y[train], mean[test])
        yield name, told, time.perf_counter() - began
    for name, kinds in CANDIDATES.items():
        began = time.perf_counter()
        told = averaged([kernels[kind].products for kind in kinds], y[train], train, test)
        yield name, told, time.perf_counter() - began


def averaged(kernels: list[np.ndarray], y: np.ndarray, train, test) -> np.ndarray:
    """`mixed_effects.encoder` for kernels that are no products of linear features of edges."""
    near, far = zip(*(centred(kernel, train, test) for kernel in kernels))
    rest = outside(np.zeros((len(train), 0)))
    mixed = mixtures(len(kernels))
    spectra = [spectrum(one, near, rest) for one in mixed]
    weights = weights_of(log_evidence(spectra, y))
    told = np.tile(y.mean(axis=0), (len(test), 1))
    for mixture, one, weight in zip(mixed, spectra, weights):
        size = sum(m * np.trace(rest.T @ k @ rest) for m, k in zip(mixture, near)) / rest.shape[1]
        v = LEVELS[:, None] * one.variance + 1 - LEVELS[:, None]
        share = (LEVELS[:, None] / v).T @ weight  # [component, target]
        across = sum(m * k for m, k in zip(mixture, far)) @ one.basis / size
        told += across @ (share * (one.basis.T @ y))
    return told


def centred(kernel: np.ndarray, train, test) -> tuple[np.ndarray, np.ndarray]:
    """Among training people and from test people, around the training mean, mean diagonal 1."""
    near, far = kernel[np.ix_(train, train)], kernel[np.ix_(test, train)]
    mean = near.mean(axis=0)
    far = far - mean - far.mean(axis=1, keepdims=True) + mean.mean()
    near = near - mean - mean[:, None] + mean.mean()
    size = np.trace(near) / len(near)
    return near / size, far / size


def kernels_of(
    scanned: Scanned, people: int, networks: list[str]
) -> tuple[dict[str, Kernel], dict[str, float]]:
    """Every kind of features of the first people; the rest are those without behaviour."""
    mean = (scanned.first + scanned.second) / 2
    own, others = mean[:people], mean[people:]
    makers = {
        "edges": lambda: edge_features(own).of(own),
        "blocks": lambda: block_features(own, networks).of(own),
        "parcels": lambda: parcel_features(own, networks).of(own),
        "agreeing": lambda: agreeing(scanned, people),
        "tangent": lambda: tangent(others[:200], own),
    }
    kernels, seconds = {}, {}
    for name, make in makers.items():
        began = time.perf_counter()
        phi = make()
        kernels[name] = Kernel(np.asarray(phi @ phi.T, float), phi.shape[1])
        seconds[name] = time.perf_counter() - began
    began = time.perf_counter()
    k = kernels["edges"].products
    distance = np.diag(k)[:, None] + np.diag(k) - 2 * k
    width = np.median(distance[np.triu_indices(people, k=1)])
    kernels["nonlinear"] = Kernel(np.exp(-distance / width), 0)
    seconds["nonlinear"] = time.perf_counter() - began
    return kernels, seconds


def agreeing(scanned: Scanned, people: int) -> np.ndarray:
    """Directions in which two runs of one person agree and people differ, learned from the others.

    Principal components of the others' first runs, each as far as their second runs agree on it.
    """
    first, second = scanned.first[people:], scanned.second[people:]
    centre = first.mean(axis=0)
    _, _, ways = np.linalg.svd(first - centre, full_matrices=False)
    ways = ways[: min(AGREEING, len(first) - 1)]
    once, again = (first - centre) @ ways.T, (second - second.mean(axis=0)) @ ways.T
    # what a component's noise adds to its own run's scores it does not add to the other's
    signal = np.maximum((once * again).mean(axis=0), 0)
    agreement = np.minimum(signal / again.var(axis=0), 1)
    own = (scanned.first[:people] + scanned.second[:people]) / 2
    return (own - centre) @ ways.T * agreement


def tangent(reference: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """log(G^-1/2 C G^-1/2), G the mean of the reference people's correlation matrices."""
    middle = np.mean([correlations(one) for one in reference], axis=0)
    values, vectors = np.linalg.eigh(middle)
    root = (vectors / np.sqrt(values)) @ vectors.T
    upper = np.triu_indices(len(middle))
    found = []
    for one in tqdm(edges, desc="tangent space"):
        values, vectors = np.linalg.eigh(root @ correlations(one) @ root)
        found.append(((vectors * np.log(values)) @ vectors.T)[upper].astype(np.float32))
    return np.stack(found)


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Pearson's r; 0 where the same is told of everybody."""
    return 0.0 if one.std() < 1e-9 else float(np.corrcoef(one, other)[0, 1])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=228)
    parser.add_argument("--tested", type=int, default=500)
    parser.add_argument("--others", type=int, default=1000)
    parser.add_argument("--parcels", type=int, default=434)
    parser.add_argument("--rho", type=float, default=0.5)
    parser.add_argument("--draws", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    options = vars(parser.parse_args())
    place = options.pop("json")
    result = main(**options)
    if place:
        write_json(place, result)
