"""# Your own task from a YAML file

What a task file turns an events table into: inputs of the network, and the presses it learns.
The events are **simulated**.
"""

# %%
# ## The task
#
# A Flanker task in a dozen lines ([all keys](../tasks.md)).
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from dtb_jax.data.tasks.task import events_to_timeseries, press_sequence
from dtb_jax.data.tasks.taskfile import read_task

FLANKER = """
name: flanker
bids_name: flanker
actions: [left, right]
conditions: {column: trial_type, levels: [congruent, incongruent]}
contrast: [incongruent, congruent]
window_s: 1.5
response_time: response_time
response: button
correct: target
channels:
  - correct
  - {column: trial_type, levels: [congruent, incongruent]}
"""
path = Path(tempfile.mkdtemp()) / "flanker.yaml"
path.write_text(FLANKER, encoding="utf-8")
task = read_task(path)
print(task.name, task.actions, f"{task.channels} inputs")

# %%
# ## A participant's events
#
# As in `sub-*_task-flanker_events.tsv`; the fourth trial is an omission, the seventh an error.
rng, trials = np.random.default_rng(3), 8
target = rng.choice(["left", "right"], trials)
events = pd.DataFrame(
    {
        "onset": 1.0 + 2.5 * np.arange(trials),
        "trial_type": np.tile(["congruent", "incongruent"], trials // 2),
        "target": target,
        "button": target,
        "response_time": rng.uniform(0.4, 0.9, trials).round(3),
    }
)
events.loc[3, ["button", "response_time"]] = [np.nan, np.nan]
events.loc[6, "button"] = {"left": "right", "right": "left"}[target[6]]
decoded, stimulus_events = task.decode(events)

# %%
# ## What the network sees and learns
#
# In steps of 80 ms. The stimulus stays on for the whole window, so that its end does not reveal
# the press.
steps = 260
inputs = events_to_timeseries(stimulus_events, steps, flags=())
presses, at_risk = press_sequence(decoded, np.full(trials, True), steps)
rows = {"input: left": inputs[:, 0], "input: right": inputs[:, 1]}
rows |= {"input: congruent": inputs[:, 2], "input: incongruent": inputs[:, 3]}
rows |= {"awaiting a press": at_risk, "press: left": presses[:, 0], "press: right": presses[:, 1]}
colours = ["#2a6f97"] * 4 + ["#9aa5b1"] + ["#c8553d"] * 2
time_s = 0.08 * np.arange(steps)
figure, axes = plt.subplots(figsize=(8, 3.4), layout="constrained")
for row, (series, colour) in enumerate(zip(reversed(rows.values()), reversed(colours))):
    axes.fill_between(time_s, row, row + 0.75 * series, color=colour, step="post", linewidth=0)
axes.set_yticks(np.arange(len(rows)) + 0.35, list(reversed(rows)))
axes.tick_params(axis="y", length=0)
axes.set_xlim(0, time_s[-1])
axes.set_xlabel("time (s)")
axes.set_title("One simulated participant, eight Flanker trials")
plt.show()
