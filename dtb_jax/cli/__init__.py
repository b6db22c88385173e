"""The command `dtb`: what a lab does, without a line of Python."""

from dtb_jax.cli import check as check
from dtb_jax.cli import fetch as fetch
from dtb_jax.cli import study as study
from dtb_jax.cli.app import app as app
