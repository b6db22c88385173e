"""Tables of a terminal."""

import pandas as pd
from rich.markup import escape
from rich.table import Table

from dtb_jax.cli.app import as_option

SHORT = 9
"""Letters of a word that a column has room for."""


def as_table(rows: pd.DataFrame, title: str) -> Table:
    """Rows as they are, with a title; the first column is never broken, nor are short words."""
    table = Table(title=title, title_justify="left", show_edge=False)
    for k, name in enumerate(rows):
        head = str(name).replace("_", " ")
        words = " ".join([head, *map(str, rows[name])]).split()
        longest = max((len(word) for word in words if len(word) <= SHORT), default=1)
        table.add_column(head, overflow="fold", no_wrap=k == 0, min_width=longest)
    for row in rows.itertuples(index=False):
        told = (("yes" if cell else "no") if isinstance(cell, bool) else str(cell) for cell in row)
        table.add_row(*(escape(as_option(cell)) for cell in told))  # a file may hold [red]
    return table
