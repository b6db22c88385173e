"""# Your own model in the verdict table

Any scikit-learn regressor can stand beside the twin and its baselines. Participants are
**simulated**; their connectomes cause 70 % of the stable differences between them.
"""

# %%
# ## A cohort in memory
#
# 48 parcels and one task. `dtb_jax.data.read_cohort` reads a cohort from a BIDS folder.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.svm import SVR

from dtb_jax.data.folds import group_k_fold
from dtb_jax.data.writing import as_json
from dtb_jax.evaluation.assessment import evaluate
from dtb_jax.evaluation.crossvalidation import cross_validate
from dtb_jax.evaluation.verdict_table import verdict_table
from dtb_jax.models.profile_regression import ProfileRegression
from dtb_jax.models.registry import REGRESSIONS, Entry
from dtb_jax.simulation import atlas, cohort, memory, people, world

model = world.make_world(atlas.choose_parcels(48), seed=1, rho=0.7)
drawn = [world.draw_subject(model, f"sub-{k:03d}") for k in range(120)]
group = people.gather(model.truth, drawn)
edges = np.stack([subject.edges for subject in drawn])
data = memory.simulate_cohort_behaviour(
    group.participants, edges, cohort.simulate_behaviour(model, group)
)
data = data._replace(runs=data.runs[:1])  # Emotional Faces alone

# %%
# ## The model
#
# `ProfileRegression` predicts mean reaction times and error rates per condition, and every trial
# from these. Its method takes training features, training targets (NaN where unknown) and test
# features. The registry gives the model a name and a title, as a line in
# `dtb_jax/models/registry.py` does for `dtb evaluate --methods`.


def support_vectors(features, targets, test_features):
    columns = []
    for target in targets.T:
        known = np.isfinite(target)
        regressor = SVR(kernel="linear", C=0.01).fit(features[known], target[known])
        columns.append(regressor.predict(test_features))
    return np.stack(columns, axis=1)


REGRESSIONS["svr"] = Entry(lambda: ProfileRegression(support_vectors), "support vectors")

# %%
# ## Held-out participants
#
# Five folds of participants. The paper's twin would take minutes, so a ridge on principal
# components stands in its place.
models = {"twin": REGRESSIONS["pca_ridge"].make()}
models |= {name: REGRESSIONS[name].make() for name in ("svr", "ridge", "cpm")}
folds = group_k_fold(data, 5, seed=0)
result = evaluate(data, folds, cross_validate(data, folds, models), seed=0, draws=200)
table = verdict_table(
    as_json(result.models),
    as_json({key: verdict._asdict() for key, verdict in result.verdicts.items()}),
    ["reaction_time_r", "effect_r"],
    unseen=True,
)
rows = {name: [" ".join(cell).strip() for cell in cells] for name, cells in table.rows}
print(pd.DataFrame(rows, index=table.columns).to_string())

# %%
# ## All models, with 95 % intervals over participants
titles = {"twin": "ridge on components", "svr": "support vectors", "ridge": "ridge", "cpm": "CPM"}
figure, axes = plt.subplots(figsize=(8, 2.8), layout="constrained")
for row, name in enumerate(reversed(models)):
    r = result.models[name]["faces"]["reaction_time_r"]
    colour = "#c8553d" if name == "svr" else "#2a6f97"
    axes.plot([r.ci_low, r.ci_high], [row, row], color=colour, linewidth=3)
    axes.plot(r.value, row, "o", color=colour, markersize=10)
axes.axvline(0, color="0.7", linewidth=1, zorder=0)
axes.set_yticks(range(len(models)), [titles[name] for name in reversed(models)])
axes.set_ylim(-0.6, len(models) - 0.4)
axes.set_xlabel("r of Faces reaction times, held-out")
axes.set_title("120 simulated participants")
plt.show()
