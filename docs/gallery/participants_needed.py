"""# How many participants are needed

Simulate cohorts of growing size before scanning one: which r would each of them have detected, and
which r does a ridge reach? Participants are **simulated**; their connectomes cause half of the
stable differences between them.
"""

# %%
# ## One pool of participants
import matplotlib.pyplot as plt
import numpy as np

from dtb_jax.data.folds import everybody, group_k_fold
from dtb_jax.evaluation.assessment import evidence_of, scored_parts
from dtb_jax.evaluation.crossvalidation import cross_validate
from dtb_jax.evaluation.evidence import detectable_r
from dtb_jax.models.profile_regression import ProfileRegression
from dtb_jax.simulation import atlas, cohort, memory, people, world

model = world.make_world(atlas.choose_parcels(48), seed=0, rho=0.5)
drawn = [world.draw_subject(model, f"sub-{k:03d}") for k in range(400)]

# %%
# ## Cohorts of 25 to 200
#
# Every cohort is a laboratory of its own: it cross-validates a ridge in five folds of its own
# participants and permutes predictions for the minimum detectable r of six claims.
sizes, observed, detectable = (25, 50, 100, 200), [], []
for size in sizes:
    for start in range(0, 400 // size * size, size)[:3]:
        subjects = drawn[start : start + size]
        group = people.gather(model.truth, subjects)
        edges = np.stack([subject.edges for subject in subjects])
        presses = cohort.simulate_behaviour(model, group)
        data = memory.simulate_cohort_behaviour(group.participants, edges, presses)
        folds = group_k_fold(data, 5, seed=0)
        predictions = cross_validate(data, folds, {"ridge": ProfileRegression()})
        scored = scored_parts(data, everybody(data), predictions.fold, draws=50)
        claims = evidence_of(data, scored, predictions.predictions["ridge"], seed=0)
        claim = claims["faces.reaction_time_r"]
        observed.append((size, claim.r.value))
        detectable.append((size, detectable_r(claim, len(claims))))
        print(
            f"{size} participants: r = {observed[-1][1]:.2f}, minimum detectable r = "
            f"{detectable[-1][1]:.2f}"
        )

# %%
# Where points lie above the line, most such cohorts would claim their r; cross-validated r of small
# cohorts scatter widely, also below zero. `experiments.power` is the full simulation, with 434
# parcels, measured connectomes and up to 5,000 participants.
figure, axes = plt.subplots(figsize=(6, 4.2), layout="constrained")
mean = [np.mean([r for n, r in detectable if n == size]) for size in sizes]
axes.plot(sizes, mean, color="#c8553d", linewidth=3, label="minimum detectable r")
axes.plot(
    *zip(*observed),
    "o",
    color="#2a6f97",
    markersize=10,
    alpha=0.7,
    label="r of a ridge, one cohort",
)
axes.set_xscale("log")
axes.set_xticks(sizes, [str(size) for size in sizes])
axes.minorticks_off()
axes.set_xlabel("participants")
axes.set_ylabel("r of Faces reaction times, held-out")
axes.set_title("Simulated cohorts, rho = 0.5")
axes.legend()
plt.show()
