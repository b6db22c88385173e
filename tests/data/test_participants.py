"""Who is related to whom, and what the table of participants says of motion."""

import numpy as np
import pytest

from dtb_jax.data import DataError, Ledger
from dtb_jax.data.bids import PARTICIPANT_COLUMNS, read_participants


def read(root, text, family=""):
    """Lines of blanks and words as a table; the table read, and the ledger's reasons."""
    lines = ["\t".join(line.split()) for line in text.strip().splitlines()]
    (root / "participants.tsv").write_text("\n".join(lines))
    ledger = Ledger()
    table = read_participants(root, ledger, family)
    assert list(table) == PARTICIPANT_COLUMNS
    return table, [entry.reason for entry in ledger.entries]


PEOPLE = """
    participant_id Site Family_ID mean_fd
    sub-A 1 F1 0.1
    sub-B 1 F1 n/a
    sub-C 2 n/a fast
"""


def test_family_and_motion_by_their_usual_names(tmp_path):
    table, said = read(tmp_path, PEOPLE)
    assert list(table["family"][:2]) == ["F1", "F1"] and table["family"].isna().iloc[2]
    np.testing.assert_array_equal(table["motion_mm"], [0.1, np.nan, np.nan])
    assert said == ["motion_mm 'fast' is not a number: motion_mm unknown"]


def test_any_column_can_be_the_family(tmp_path):
    table, _ = read(tmp_path, PEOPLE, family="Site")
    assert list(table["family"]) == list(table["site"]) == ["1", "1", "2"]


def test_nobody_is_related_where_no_column_says_so(tmp_path):
    table, said = read(tmp_path, "participant_id age\n sub-A 30")
    assert table["family"].isna().all() and table["motion_mm"].isna().all() and said == []


def test_the_named_column_must_be_there(tmp_path):
    with pytest.raises(DataError, match="column mother is missing, found participant_id, site, fa"):
        read(tmp_path, PEOPLE, family="mother")
    (tmp_path / "participants.tsv").unlink()
    with pytest.raises(DataError, match="no such table, expected one with column 'mother'"):
        read_participants(tmp_path, Ledger(), "mother")
    assert list(read_participants(tmp_path, Ledger())) == PARTICIPANT_COLUMNS
