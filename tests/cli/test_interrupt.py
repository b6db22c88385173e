"""Ctrl-C ends a process with one line, even where an exception would be swallowed."""

import signal
import subprocess
import sys

SWALLOWS = """
import time
from dtb_jax.cli.interrupt import stop_at_once
stop_at_once()
print("ready", flush=True)
while True:
    try:
        time.sleep(1)
    except BaseException:
        pass
"""


def test_ctrl_c_is_one_line_and_130():
    with subprocess.Popen(
        [sys.executable, "-c", SWALLOWS], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert said.strip() == "interrupted: the same command goes on where it was"
