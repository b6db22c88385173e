"""Who is who, who is related to whom, and what the table of participants says of them."""

import numpy as np
import pandas as pd
import pytest

from dtb_jax.data import DataError, ExclusionLog
from dtb_jax.data.participants import PARTICIPANT_COLUMNS, of_people, read_participants


def read(root, text, family="", columns=()):
    """Lines of blanks and words as a table; the table read, and the ledger's reasons."""
    lines = ["\t".join(line.split()) for line in text.strip().splitlines()]
    (root / "participants.tsv").write_text("\n".join(lines))
    ledger = ExclusionLog()
    table = read_participants(root, ledger, family, columns)
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
        read_participants(tmp_path, ExclusionLog(), "mother")
    assert list(read_participants(tmp_path, ExclusionLog())) == PARTICIPANT_COLUMNS


def test_of_people_matches_ids_by_what_they_share(tmp_path):
    table, _ = read(tmp_path, "participant_id age\n 001 30\n SUB-B_2 31\n sub-c 32\n sub-C 33")
    people = ["sub-001", "sub-B2", "sub-C", "sub-c"]
    ledger = ExclusionLog()
    found = of_people(table, people, people, tmp_path, ledger)
    assert found["age"].tolist() == [30, 31, 33, 32] and list(found.index) == people
    assert ledger.entries == []


def test_of_people_never_guesses_who_is_who(tmp_path):
    table, _ = read(tmp_path, "participant_id age\n sub-01 30\n sub-2 31\n sub-X 32\n sub-Y 33")
    ledger = ExclusionLog()
    found = of_people(table, ["sub-001", "sub-2"], ["sub-001", "sub-2", "sub-Y"], tmp_path, ledger)
    np.testing.assert_array_equal(found["age"], [np.nan, 31])
    assert [(entry.participant, entry.reason) for entry in ledger.entries] == [
        ("sub-001", "not in participants.tsv, which has sub-01: age, sex and site unknown"),
        ("all", "2 of 4 rows, sub-01 first, are of nobody with a file: not in the cohort"),
    ]
    other = [f"sub-P{k}" for k in range(9)]
    ledger = ExclusionLog()
    of_people(table, other, other, tmp_path, ledger)
    ((who, reason),) = [(entry.participant, entry.reason) for entry in ledger.entries]
    assert who == "all" and "lists none of 9 people: found sub-01, expected sub-P0" in reason


@pytest.mark.parametrize(
    ("cell", "age", "said"),
    [
        ("90+", 90, "age '90+' is taken as 90"),
        (">89", 89, "age '>89' is taken as 89"),
        ("999", np.nan, "age 999 is none"),
        ("-1", np.nan, "age -1 is none"),
        ("0", np.nan, "age 0 is none"),
        ("inf", np.nan, "age 'inf' is not a number"),
        ("26-30", np.nan, "age '26-30' is not a number"),
        ("n/a", np.nan, None),
        ("20.33", 20.33, None),
    ],
)
def test_age_is_a_number_of_years_or_unknown(tmp_path, cell, age, said):
    table, lines = read(tmp_path, f"participant_id age\n sub-A {cell}\n sub-B 30")
    np.testing.assert_array_equal(table["age"], [age, 30])
    assert len(lines) == (said is not None) and all(line.startswith(said) for line in lines)


def test_sex_is_one_label_however_it_is_spelt(tmp_path):
    cells = ["F", "female", "f", "Female", "Woman", "M", "male", "Man", "O", "other", "n/a"]
    people = "\n".join(f"sub-{k} {cell}" for k, cell in enumerate(cells))
    table, said = read(tmp_path, "participant_id sex\n" + people)
    assert list(table["sex"][:-1]) == list("FFFFFMMMOO") and pd.isna(table["sex"].iloc[-1])
    assert said == []
    table, (line,) = read(tmp_path, "participant_id sex\n sub-A 1\n sub-B 2.0\n sub-C F")
    assert list(table["sex"]) == ["1", "2", "F"]
    assert line.startswith("sex is called 1, 2 of 2 people")


def test_labels_that_differ_by_blanks_or_case_are_one(tmp_path):
    (tmp_path / "participants.tsv").write_text(
        'participant_id\tsite\tgroup\nsub-A\tA \tPatient\nsub-B\t"A\tpatient\nsub-C\tB  1\tx\n'
        "sub-D\tB 1\tx\nsub-E\t \tx\n"
    )
    ledger = ExclusionLog()
    table = read_participants(tmp_path, ledger)
    assert list(table["site"][:4]) == ["A", "A", "B 1", "B 1"] and pd.isna(table["site"].iloc[4])
    assert list(table["group"]) == ["Patient", "Patient", "x", "x", "x"]
    (entry,) = ledger.entries
    assert "group: patient as Patient" in entry.reason


OTHERS = "participant_id gender years diagnosis ScannerSerialNumber hand\n sub-A f 30 x 12 r"


def test_columns_that_are_not_used_are_listed_with_what_they_may_be(tmp_path):
    table, (said,) = read(tmp_path, OTHERS)
    assert table.isna().all(axis=None)
    asked = "age=years,sex=gender,site=ScannerSerialNumber,group=diagnosis"
    assert said == (
        "columns not used: years (age?), gender (sex?), ScannerSerialNumber (site?), "
        f"diagnosis (group?), hand; --config.columns={asked} reads them so"
    )
    table, (said,) = read(tmp_path, OTHERS, columns=[asked])
    assert table.iloc[0, :4].tolist() == [30, "F", "12", "x"] and said == "columns not used: hand"
    again, _ = read(tmp_path, OTHERS, columns=asked.split(","))
    pd.testing.assert_frame_equal(table, again)


def test_bids_own_columns_need_no_line(tmp_path):
    assert read(tmp_path, "participant_id species handedness age\n sub-A human r 3")[1] == []


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (("gender",), "--config.columns: 'gender', expected NAME=COLUMN, like sex=gender"),
        (("colour=gender",), "'colour=gender', expected NAME=COLUMN"),
        (("sex=",), "'sex=', expected NAME=COLUMN"),
        (("sex=gendre",), "columns: sex: .*column gendre is missing, found participant_id, gender"),
        (("sex=gender", "sex=hand"), "sex is to be both gender and hand"),
    ],
)
def test_columns_that_can_not_be_meant_are_one_sentence(tmp_path, columns, said):
    with pytest.raises(DataError, match=said):
        read(tmp_path, OTHERS, columns=columns)


def test_headers_that_differ_by_case_alone_are_one_sentence(tmp_path):
    with pytest.raises(DataError, match="columns 'Sex' and 'sex' differ by blanks or case alone"):
        read(tmp_path, "participant_id Sex sex\n sub-A f m")
    table, _ = read(tmp_path, "participant_id Sex sex\n sub-A f m", columns=["sex=sex"])
    assert table["sex"].tolist() == ["M"]


def test_broken_row_is_left_out_with_a_line(tmp_path):
    table, said = read(tmp_path, "participant_id age sex\n sub-A 30 F\n sub-B 31\n sub-C 32 M")
    assert list(table.index) == ["sub-A", "sub-C"]
    assert said == ["line 3: found 2 cells, expected 3: left out"]
