"""# Read a verdict

Which claims hold, which do not, and which could not have been detected. Participants are
**simulated**; their connectomes cause half of the stable differences between them.
"""

# %%
# ## Predictions for held-out participants
#
# A ridge on the edges stands in the place of the twin, which takes minutes.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from dtb_jax.data.folds import group_k_fold
from dtb_jax.evaluation.assessment import evaluate
from dtb_jax.evaluation.crossvalidation import cross_validate
from dtb_jax.models.profile_regression import ProfileRegression
from dtb_jax.simulation import atlas, cohort, memory, people, world

model = world.make_world(atlas.choose_parcels(48), seed=0, rho=0.5)
drawn = [world.draw_subject(model, f"sub-{k:03d}") for k in range(120)]
group = people.gather(model.truth, drawn)
edges = np.stack([subject.edges for subject in drawn])
data = memory.simulate_cohort_behaviour(
    group.participants, edges, cohort.simulate_behaviour(model, group)
)
folds = group_k_fold(data, 5, seed=0)
predictions = cross_validate(data, folds, {"twin": ProfileRegression()})
result = evaluate(data, folds, predictions, seed=0, draws=200)

# %%
# ## Claims
#
# A claim is an r over held-out participants after confounds. `p` comes from permuting predictions
# within folds; `p_holm` is corrected for all claims of the report. `detectable_r` is the r that
# four of five such cohorts would have shown: smaller ones are significant in some cohorts only, and
# no evidence for them does not mean no effect.
claims = {name: v for name, v in result.verdicts.items() if v.p is not None}
table = pd.DataFrame(
    {
        name: {
            "r": v.after_confounds.value,
            "p": v.p,
            "p_holm": v.p_holm,
            "detectable_r": v.detectable_r,
            "evidence": v.evidence,
        }
        for name, v in claims.items()
    }
).T
print(table.to_string(float_format="{:.3f}".format))
print(result.verdicts["faces.reaction_time_r"].sentence)

# %%
# ## Every claim beside what it could have shown
figure, axes = plt.subplots(figsize=(7, 3.6), layout="constrained")
for row, v in enumerate(reversed(claims.values())):
    colour = "#2a6f97" if v.evidence else "#9aa5b1"
    axes.plot([v.after_confounds.ci_low, v.after_confounds.ci_high], [row, row], color=colour, lw=3)
    axes.plot(v.after_confounds.value, row, "o", color=colour, markersize=10)
    axes.plot(v.detectable_r, row, "|", color="#c8553d", markersize=22, markeredgewidth=2.5)
axes.axvline(0, color="0.7", linewidth=1, zorder=0)
names = [name.removesuffix("_r").replace(".", " ").replace("_", " ") for name in reversed(claims)]
axes.set_yticks(range(len(claims)), [name.capitalize() for name in names])
axes.set_ylim(-0.6, len(claims) - 0.4)
axes.set_xlabel("r after confounds (blue: evidence); red: minimum detectable r")
axes.set_title("120 simulated participants, six claims")
plt.show()
