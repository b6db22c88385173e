"""Tables of a terminal."""

import pandas as pd
from rich.markup import escape
from rich.table import Table

from dtb_jax.cli.app import as_option


def as_table(rows: pd.DataFrame, title: str) -> Table:
    """Rows as they are, with a title; the first column is never broken."""
    table = Table(title=title, title_justify="left")
    for k, name in enumerate(rows):
        table.add_column(str(name).replace("_", " "), overflow="fold", no_wrap=k == 0)
    for row in rows.itertuples(index=False):
        told = (("yes" if cell else "no") if isinstance(cell, bool) else str(cell) for cell in row)
        table.add_row(*(escape(as_option(cell)) for cell in told))  # a file may hold [red]
    return table
