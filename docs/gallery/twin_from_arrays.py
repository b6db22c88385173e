"""# A twin from arrays

No files and no tasks are needed: a twin takes arrays of connectomes, stimuli and presses. Here it
learns how fast each of twelve **simulated** participants responds.
"""

# %%
# ## Data
#
# Connectomes are [participant, edge]; everything else is [participant, run, time, ...] in steps of
# 80 ms. A stimulus on the left or the right stays on for 15 steps, and each participant presses the
# button on that side after a lag of their own.
import jax
import matplotlib.pyplot as plt
import numpy as np

from dtb_jax import Sequences, TrainConfig, fit, make_twin, simulate_cohort
from dtb_jax.twin.response import read_hazard, windows

rng, participants, steps, onsets = np.random.default_rng(0), 12, 200, np.arange(5, 180, 20)
connectomes = rng.normal(size=(participants, 45)).astype("float32")
lag = rng.permutation(np.linspace(4, 12, participants).round().astype(int))
stimulus, press, no_bold = np.zeros((3, participants, 2, steps, 2), "float32")
at_risk = np.zeros((participants, 2, steps), "float32")
for i in range(participants):
    for run in range(2):
        for t in onsets:
            side = rng.integers(2)
            stimulus[i, run, t : t + 15, side] = press[i, run, t + lag[i], side] = 1
            at_risk[i, run, t : t + lag[i] + 1] = 1
available = np.ones((participants, 2, 2), "float32")
runs = Sequences(stimulus, press, at_risk, available, no_bold[..., :0], 0 * at_risk)
first = jax.tree.map(lambda field: field[:, :1], runs)
second = jax.tree.map(lambda field: field[:, 1:], runs)

# %%
# ## Fit and simulate
#
# The hypernetwork learns from the first run of all participants. Their networks then see the
# stimuli of the second run, and competing hazards give the probability of a press at each step.
twin = make_twin(connectomes, inputs=2, units=16, outputs=2, actions=2, width=50)
config = TrainConfig(epochs=150, segments=4, segment_steps=100)
state = fit(twin, connectomes, first, first, np.arange(participants), config, seed=0)
outputs = simulate_cohort(twin, state.params, connectomes, second.stimulus)
trials = windows(onsets * 0.08, np.full(9, 1.6), np.full(9, True), 0.0, steps, length=20)
response = jax.vmap(lambda y: read_hazard(y, available[0, 0], trials))(outputs[:, 0])

# %%
# ## Predicted and observed reaction times
#
# These connectomes are random numbers, and yet the prediction is good: everybody was in training,
# and a vector that never changes identifies its owner
# ([identity confounding](../verdict.md#identity-confounding)).
predicted = response.reaction_time_s.mean(axis=1)
figure, axes = plt.subplots(figsize=(5, 4.4), layout="constrained")
axes.axline((0.6, 0.6), slope=1, color="0.7", linewidth=1, zorder=0)
axes.plot(lag * 0.08, predicted, "o", markersize=9, alpha=0.8)
axes.set_xlabel("observed reaction time (s)")
axes.set_ylabel("predicted, second run (s)")
r = np.corrcoef(predicted, lag)[0, 1]
axes.set_title(f"{participants} simulated participants, r = {r:.2f}")
plt.show()
