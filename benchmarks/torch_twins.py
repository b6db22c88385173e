"""The paper's twin in PyTorch, to race against: in the public design's loops, and batched by hand.

Both hold the same weights as a Flax `Hypernetwork` in the paper's form and see stimuli
[people, stretch, time, input].

- `Looped`: every stretch is a sample with weights of its own, and a Python loop over time calls a
  vmapped cell, as `mini-hyper-rnn-cogtask` does (its design; written anew).
- `Batched`: weights are generated once a person, a step is one `baddbmm` over people, and what
  comes from the stimulus is computed before the loop. This is how one would write it for speed.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from dtb_jax.twin.hypernetwork import Hypernetwork as Flax
from dtb_jax.twin.rnn import shapes


class Hypernetwork(nn.Module):
    """dropout, Linear, Mish, Linear, Mish, Linear: all weights of a main network.

    In the recipe's form, pace (base + scale L3(...)) of edges times gain.
    """

    def __init__(self, edges: int, width: int, inputs: int, units: int, outputs: int, dropout=0.1):
        super().__init__()
        self.gain, self.scale, self.base = 1.0, 1.0, None
        self.register_buffer("pace", torch.tensor(1.0))
        self.shapes = shapes(inputs, units, outputs)
        self.sizes = [int(np.prod(shape)) for shape in self.shapes.values()]
        self.layers = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(edges, width),
            nn.Mish(),
            nn.Linear(width, width),
            nn.Mish(),
            nn.Linear(width, sum(self.sizes)),
        )

    def forward(self, connectome: Tensor) -> dict[str, Tensor]:
        """Networks [people, ...] of connectomes [people, edge]."""
        weights = self.layers(self.gain * connectome)
        if self.base is not None:
            weights = self.pace * (self.base + self.scale * weights)
        cut = torch.split(weights, self.sizes, dim=1)
        return {
            name: one.reshape(len(connectome), *shape)
            for (name, shape), one in zip(self.shapes.items(), cut)
        }

    def take(self, params: dict, flax: Flax | None = None) -> "Hypernetwork":
        """The weights of a Flax hypernetwork, and of the recipe's its form."""
        if flax is not None:
            self.gain, self.scale = float(flax.gain), float(flax.scale)
            self.pace = torch.tensor(flax.pace())
            self.base = nn.Parameter(torch.tensor(np.array(params["params"]["base"])))
        with torch.no_grad():
            for place, name in ((1, "Dense_0"), (3, "Dense_1"), (5, "Dense_2")):
                kernel, bias = (np.array(params["params"][name][key]) for key in ("kernel", "bias"))
                rows = kernel if name == "Dense_2" else kernel.T  # see `twin.hypernetwork.Rows`
                self.layers[place].weight.copy_(torch.tensor(rows.copy()))
                self.layers[place].bias.copy_(torch.tensor(bias))
        return self


def looped(hypernet: Hypernetwork, connectomes: Tensor, stimulus: Tensor) -> Tensor:
    """Outputs [people, stretch, time, output], one vmapped cell a step."""
    people, stretches, time, _ = stimulus.shape
    network = hypernet(connectomes.repeat_interleave(stretches, dim=0))
    samples = stimulus.reshape(people * stretches, time, -1)

    def cell(x, h, ih, hh, b_ih, b_hh):
        return torch.tanh(ih @ x + b_ih + hh @ h + b_hh)

    def read(h, ho, b_ho):
        return ho @ h + b_ho

    step, readout = torch.func.vmap(cell), torch.func.vmap(read)
    hidden = samples.new_zeros(people * stretches, network["hh"].shape[-1])
    outputs = []
    for t in range(time):
        outputs.append(readout(hidden, network["ho"], network["b_ho"]))
        weights = (network[name] for name in ("ih", "hh", "b_ih", "b_hh"))
        hidden = step(samples[:, t], hidden, *weights)
    return torch.stack(outputs, dim=1).reshape(people, stretches, time, -1)


def recurrence(hh: Tensor, drive: Tensor) -> Tensor:
    """Hidden states [time, people, stretch, unit] from what stimuli drive."""
    across = hh.transpose(1, 2)
    hidden, states = torch.zeros_like(drive[0]), []
    for now in drive.unbind(0):
        states.append(hidden)
        hidden = torch.tanh(torch.baddbmm(now, hidden, across))
    return torch.stack(states)


def batched(
    hypernet: Hypernetwork,
    connectomes: Tensor,
    stimulus: Tensor,
    recurrence: Callable[[Tensor, Tensor], Tensor] = recurrence,
) -> Tensor:
    """Outputs [people, stretch, time, output], people and stretches side by side."""
    people, stretches, time, inputs = stimulus.shape
    network = hypernet(connectomes)
    bias = (network["b_ih"] + network["b_hh"])[:, None]
    flat = stimulus.reshape(people, stretches * time, inputs)
    drive = torch.baddbmm(bias, flat, network["ih"].transpose(1, 2))
    drive = drive.reshape(people, stretches, time, -1).permute(2, 0, 1, 3)
    hidden = (
        recurrence(network["hh"], drive).permute(1, 2, 0, 3).reshape(people, -1, drive.shape[-1])
    )
    outputs = torch.baddbmm(network["b_ho"][:, None], hidden, network["ho"].transpose(1, 2))
    return outputs.reshape(people, stretches, time, -1)


def loss(outputs: Tensor, press: Tensor, bold: Tensor) -> Tensor:
    """The paper's: mean binary cross-entropy of presses + mean squared error of BOLD."""
    actions = press.shape[-1]
    entropy = nn.functional.binary_cross_entropy_with_logits(outputs[..., :actions], press)
    return entropy + nn.functional.mse_loss(outputs[..., actions:], bold)


def hazard_loss(outputs: Tensor, press: Tensor, at_risk: Tensor, available: Tensor) -> Tensor:
    """Negative log likelihood of competing hazards, as `twin.response.hazard_loss`, a press.

    Presses are [people, stretch, time, action], buttons that are there [people, stretch, action].
    """
    logits = outputs[..., : press.shape[-1]].masked_fill(available[:, :, None] == 0, -torch.inf)
    none = torch.logsumexp(nn.functional.pad(logits, (1, 0)), dim=-1)
    pressed = (press > 0).any(dim=-1)
    possible = torch.where(pressed[..., None], press > 0, available[:, :, None] > 0)
    chosen = torch.logsumexp(logits.masked_fill(~possible, -1e30), dim=-1)
    told = at_risk * torch.where(pressed, chosen - none, -none)
    return -told.sum() / (at_risk * pressed).sum().clamp(min=1)


Simulate = Callable[[Hypernetwork, Tensor, Tensor], Tensor]


def trainer(
    hypernet: Hypernetwork, simulate: Simulate, *, rate: float, fused: bool, graph: bool = False
) -> Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]:
    """A function that makes one step of Adam on a batch and gives back its loss."""
    adam = torch.optim.Adam(hypernet.parameters(), lr=rate, fused=fused, capturable=graph)

    def step(connectomes: Tensor, stimulus: Tensor, press: Tensor, bold: Tensor) -> Tensor:
        adam.zero_grad(set_to_none=not graph)
        found = loss(simulate(hypernet, connectomes, stimulus), press, bold)
        found.backward()
        adam.step()
        return found.detach()

    return graphed(step) if graph else step


def graphed(work: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Work on a GPU whose kernels, recorded once, are launched together; for the same arguments."""
    held: dict[str, Tensor] = {}
    graph = torch.cuda.CUDAGraph()

    def replay(*arguments: Tensor) -> Tensor:
        if not held:
            beside = torch.cuda.Stream()
            beside.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(beside):
                for _ in range(3):
                    work(*arguments)
            torch.cuda.current_stream().wait_stream(beside)
            with torch.cuda.graph(graph):
                held["told"] = work(*arguments)
        graph.replay()
        return held["told"]

    return replay


def edge_gradient(hypernet: Hypernetwork, simulate: Simulate, connectomes, stimulus) -> Tensor:
    """Gradient of the mean output to everybody's connectome."""
    connectomes = connectomes.clone().requires_grad_()
    (slope,) = torch.autograd.grad(simulate(hypernet, connectomes, stimulus).mean(), connectomes)
    return slope
