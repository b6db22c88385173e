"""`python -m dtb_jax` is `dtb`, with a word for whoever lacks what the command needs."""

import sys

from dtb_jax.cli.interrupt import stop_at_once


def main() -> None:
    """Run the command line."""
    stop_at_once()
    try:
        from dtb_jax.cli import app
    except ModuleNotFoundError as error:
        if error.name not in ("typer", "rich", "requests"):
            raise
        sys.exit(f"dtb needs {error.name}: pip install {error.name}")
    app(prog_name="dtb")


if __name__ == "__main__":
    main()
