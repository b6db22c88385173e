"""Slow NumPy versions, written as loops from the equations."""

import numpy as np


def mish(x):
    return x * np.tanh(np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0))


def hypernetwork(params, features, gain, scale, pace):
    """Flat weights of one person from Flax parameters."""
    tree = params["params"]
    x = gain * features
    for name in ("Dense_0", "Dense_1"):
        x = mish(x @ np.asarray(tree[name]["kernel"]) + np.asarray(tree[name]["bias"]))
    weights = scale * (
        np.asarray(tree["Dense_2"]["kernel"]) @ x + np.asarray(tree["Dense_2"]["bias"])
    )
    return pace * (np.asarray(tree["base"]) + weights)


def split_weights(weights, inputs, units, outputs):
    sizes = [(units, inputs), (units, units), (units,), (units,), (outputs, units), (outputs,)]
    arrays, start = [], 0
    for shape in sizes:
        stop = start + int(np.prod(shape))
        arrays.append(weights[start:stop].reshape(shape))
        start = stop
    return arrays


def unroll(weights, stimulus, inputs, units, outputs):
    ih, hh, b_ih, b_hh, ho, b_ho = split_weights(weights, inputs, units, outputs)
    hidden, ys = np.zeros(units), []
    for x in stimulus:
        ys.append(ho @ hidden + b_ho)
        hidden = np.tanh(ih @ x + b_ih + hh @ hidden + b_hh)
    return np.array(ys)


def hazard(logits, available):
    """(press probabilities, no-press probability) at one step."""
    e = np.where(available, np.exp(logits), 0.0)
    return e / (1 + e.sum()), 1 / (1 + e.sum())


def hazard_loss(logits, press, at_risk, available):
    total = 0.0
    for t in range(len(logits)):
        if not at_risk[t]:
            continue
        p, none = hazard(logits[t], available)
        total -= np.log(p[press[t] > 0].sum()) if press[t].any() else np.log(none)
    return total


def read_hazard(logits, available, onset_s, deadline_s, start_s, step_s=0.08):
    """One trial: P(choice | press), P(omission), E[RT | press]."""
    first = int(np.floor((onset_s - start_s) / step_s + 1e-6))
    survival, choice, time, offset = 1.0, np.zeros(logits.shape[1]), 0.0, 0
    while offset * step_s < deadline_s and first + offset < len(logits):
        p, none = hazard(logits[first + offset], available)
        when = (first + offset + 0.5) * step_s + start_s - onset_s
        choice += survival * p
        time += survival * p.sum() * when
        survival *= none
        offset += 1
    return choice / choice.sum(), survival, time / choice.sum()
