"""Tables of a terminal."""

import pandas as pd
from rich.markup import escape
from rich.table import Table

from dtb_jax.cli.app import as_option


def as_table(rows: pd.DataFrame, title: str) -> Table:
    """Rows as they are, with a title; neither the first column nor words of the head are broken."""
    table = Table(title=title, title_justify="left")
    for k, name in enumerate(rows):
        head = str(name).replace("_", " ")
        longest = max(map(len, head.split()), default=0)
        table.add_column(head, overflow="fold", no_wrap=k == 0, min_width=longest)
    for row in rows.itertuples(index=False):
        told = (("yes" if cell else "no") if isinstance(cell, bool) else str(cell) for cell in row)
        table.add_row(*(escape(as_option(cell)) for cell in told))  # a file may hold [red]
    return table
