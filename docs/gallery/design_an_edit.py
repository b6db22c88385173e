"""# Design an edit for one participant

Which small change of this connectome would make its owner faster in Stroop? Participants are
**simulated**, and their connectomes cause all stable differences between them, so that the answer
can be compared with the truth. Nothing here is about brains.
"""

# %%
# ## A twin
#
# Trained on 60 participants with 32 parcels; the edit is for one whom it never saw.
import jax
import matplotlib.pyplot as plt
import numpy as np

from dtb_jax.data.folds import everybody
from dtb_jax.interventions import constraints
from dtb_jax.interventions.edits import Search, design, endpoints_of_people, make_objective
from dtb_jax.interventions.endpoints import Asked, twin_of
from dtb_jax.interventions.scene import standard_protocol
from dtb_jax.simulation import atlas, cohort, memory, people, world
from dtb_jax.workflows.config import InterventionConfig, paper_twin

model = world.make_world(atlas.choose_parcels(32), seed=0, rho=1.0)
drawn = [world.draw_subject(model, f"sub-{k:03d}") for k in range(61)]
group = people.gather(model.truth, drawn)
edges = np.stack([subject.edges for subject in drawn]).astype("float32")
data = memory.simulate_cohort_behaviour(
    group.participants, edges, cohort.simulate_behaviour(model, group)
)
training = everybody(data)
training.people[60] = False
config = InterventionConfig.of(units=24, width=50, components=32, epochs=15)
fitted = paper_twin(config).fit(data, training)

# %%
# ## Objective, budget and edit
#
# Stroop reaction times down by one SD of the participants, accuracy guarded; at most 60 of 496
# edges, together no longer than a fifth of the distance between two participants.
twin, options = twin_of(fitted.twin, fitted.params), Asked()
protocol = standard_protocol(data, fitted.scale, stop_s=196.8)
before = endpoints_of_people(twin, edges, protocol, asked=options)
sd = {name: float(np.std(values)) for name, values in before.items()}
objective = make_objective(
    sorted(before), sd, targets_sd={"stroop_rt_s": -1.0}, hold={}, guard={"stroop_accuracy": -1}
)
between = np.median(np.linalg.norm(edges[:30] - edges[30:60], axis=1))
budget = np.asarray(0.2 * between, np.float32)
constraint = constraints.all_of(constraints.at_most(60), constraints.within_budget(budget))
person, search = edges[60], Search(steps=30, rate=0.05)
edit = np.asarray(
    design(twin, person, protocol, objective, constraint, budget, asked=options, search=search)
)
print(f"{np.sum(edit != 0)} edges, length {np.linalg.norm(edit):.2f} of {budget:.2f} (Fisher z)")

# %%
# ## The edit, and what it does
#
# At growing doses, according to the twin and according to the known causes. A twin trained on few
# participants may over- or underestimate an effect; `dtb trial` adds controls.
doses = np.linspace(0, 1, 6)
steps = person + doses[:, None] * edit
predicted = endpoints_of_people(twin, steps.astype("float32"), protocol, asked=options)[
    "stroop_rt_s"
]
indicators = jax.vmap(model.truth.true_indicators, in_axes=(0, None))
true = indicators(steps, drawn[60].residual).stroop_rt_s
matrix = np.zeros((32, 32))
matrix[np.triu_indices(32, k=1)] = edit
figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
most = np.abs(edit).max()
image = axes[0].imshow(matrix + matrix.T, cmap="RdBu_r", vmin=-most, vmax=most)
figure.colorbar(image, ax=axes[0], label="change (Fisher z)")
axes[0].set_xlabel("parcel")
axes[0].set_ylabel("parcel")
axes[0].set_title("One simulated participant's edit")
lines = ("predicted by the twin", predicted, "#2a6f97"), ("true", true, "#c8553d")
for name, values, colour in lines:
    change_ms = 1000 * (values - values[0])
    axes[1].plot(doses, change_ms, "o-", color=colour, linewidth=3, markersize=8, label=name)
axes[1].set_xlabel("dose (share of the edit)")
axes[1].set_ylabel("change of Stroop reaction time (ms)")
axes[1].set_title("Its simulated effect")
axes[1].legend()
plt.show()
