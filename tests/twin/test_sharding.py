"""People over eight devices, or two processes, are trained as on one."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
TRAIN = """
import json, sys
from dataclasses import replace
import jax, numpy as np
processes, rank, port = (int(word) for word in sys.argv[1:])
if processes > 1:
    jax.distributed.initialize(f"localhost:{port}", processes, rank)
from dtb_jax.twin.step import train_step
from dtb_jax.twin.sharding import people_mesh
from dtb_jax.twin.fit import fit
from tests.small import PEOPLE, SETTINGS, pressing_people, twin_of

connectomes, runs = pressing_people()
rows, mesh = [], people_mesh()
# batches of five people divide by no number of devices here
settings = replace(SETTINGS, epochs=3, batch_people=5)
state = fit(
    twin_of(connectomes), connectomes, runs, runs, np.arange(PEOPLE), settings, seed=0, mesh=mesh,
    on_epoch=lambda state, row: rows.append(row),
)
params = np.concatenate([np.asarray(leaf).ravel() for leaf in jax.tree.leaves(state.params)])
told = {"devices": jax.device_count(), "steps": train_step._cache_size(), "rows": rows}
print(json.dumps(told | {"params": params.tolist()}))
"""


def trained(devices: int, processes: int = 1) -> list[dict]:
    """What every process tells of the same training."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    flags = f"--xla_force_host_platform_device_count={devices}"
    environment = os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
    running = [
        subprocess.Popen(
            [sys.executable, "-c", TRAIN, str(processes), str(rank), str(port)],
            env=environment,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(processes)
    ]
    told = [process.communicate(timeout=600) for process in running]
    assert [process.returncode for process in running] == [0] * processes, told
    return [json.loads(out.splitlines()[-1]) for out, _ in told]


@pytest.fixture(scope="module")
def alone():
    (told,) = trained(1)
    return told


@pytest.mark.parametrize(("devices", "processes"), [(8, 1), (2, 2)])
def test_shared_training_is_the_same(alone, devices, processes):
    for told in trained(devices, processes):
        assert told["devices"] == devices * processes
        assert told["steps"] == 1
        np.testing.assert_allclose(told["params"], alone["params"], atol=1e-6)
        for one, other in zip(told["rows"], alone["rows"], strict=True):
            for name in one:
                np.testing.assert_allclose(one[name], other[name], rtol=1e-5)
