"""`python -m dtb_jax` is `dtb`, with a word for whoever lacks what the command needs."""

import sys


def main() -> None:
    """Run the command line."""
    try:
        from dtb_jax.cli import app
    except ModuleNotFoundError as error:
        if error.name not in ("typer", "rich", "requests"):
            raise
        sys.exit(f"dtb needs {error.name}: pip install 'dtb_jax[cli]'")
    app(prog_name="dtb")


if __name__ == "__main__":
    main()
