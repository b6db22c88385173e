"""Phenotype tables, whole, broken and real."""

import numpy as np
import pytest

from dtb_jax.data import ExclusionLog
from dtb_jax.data.bids import read_participants
from dtb_jax.data.phenotype import measure_labels, read_phenotype

PEOPLE = [f"sub-NDARINVA{k:02d}" for k in range(24)]
KEYS = [person.replace("sub-NDARINV", "NDAR_INV") for person in PEOPLE]


def write(root, name, columns, keys=KEYS, id_column="subjectkey", more=()):
    """A table of columns {name: cells}, and lines as they are below it."""
    (root / "phenotype").mkdir(exist_ok=True)
    rows = [[id_column, *columns], *zip(keys, *columns.values())]
    lines = ["\t".join(map(str, row)) for row in rows]
    (root / "phenotype" / f"{name}.tsv").write_text("\r\n".join([*lines, *more]))


def read(root, people=PEOPLE):
    """The measures, and the ledger's (participant, file, reason)."""
    ledger = ExclusionLog()
    found = read_phenotype(root, people, ledger)
    assert list(found.index) == list(people) and found.index.name == "participant_id"
    assert set(found.dtypes) <= {np.dtype(float)}
    return found, [(e.participant, e.file.split("/")[-1], e.reason) for e in ledger.entries]


def test_no_tables(tmp_path):
    found, said = read(tmp_path)
    assert found.shape == (24, 0) and said == [] and measure_labels(tmp_path) == {}


def test_rows_follow_the_participants(tmp_path):
    write(tmp_path, "Mood01", {"Total": range(24)}, keys=KEYS[::-1])
    found, said = read(tmp_path, [*PEOPLE[5:], "sub-NDARINVNEW", *PEOPLE[:5]])
    assert list(found) == ["mood01: total"] and said == []
    expected = [*range(18, -1, -1), np.nan, *range(23, 18, -1)]
    np.testing.assert_array_equal(found["mood01: total"], expected)


@pytest.mark.parametrize("keys", [PEOPLE, [p.removeprefix("sub-") for p in PEOPLE], KEYS])
def test_ids_in_any_spelling(tmp_path, keys):
    write(tmp_path, "mood", {"total": range(24)}, keys=keys, id_column="participant_id")
    np.testing.assert_array_equal(read(tmp_path)[0]["mood: total"], np.arange(24))


def test_missing_as_everywhere_and_as_defined(tmp_path):
    special = ["999", "999.0", "-999", "", "n/a"]
    columns = {
        "plain": [*special, "9999", *range(24)],
        "defined": [*special, "9999", "77", "-7", "5", *range(10, 31)],
    }
    people = [f"sub-{k}" for k in range(30)]
    write(tmp_path, "mood", columns, keys=people)
    definitions = [
        '"ElementName"\t"DataType"\t"ElementDescription"\t"Notes"',
        '"Defined"\t"Integer"\t"Mood,\tin all"\t"5 = never missing; 9999=NA/NK/missing;77 = Refused'
        '\t -7=N/A; 1-24 = Missingness"',
    ]
    (tmp_path / "phenotype" / "mood_definitions.tsv").write_text("\n".join(definitions))
    found, said = read(tmp_path, people)
    assert said == [] and measure_labels(tmp_path) == {"mood: defined": "Mood, in all"}
    np.testing.assert_array_equal(found["mood: plain"], [*[np.nan] * 5, 9999, *range(24)])
    np.testing.assert_array_equal(found["mood: defined"], [*[np.nan] * 8, 5, *range(10, 31)])


def test_what_is_no_measure(tmp_path):
    columns = {
        "src_subject_id": range(24),
        "interview_age": range(24),
        "interview_date": range(24),
        "age": range(24),
        "qc_mood_num_items": range(24),
        "mood_comments": range(24),
        "constant": [3] * 24,
        "few": [*range(19), *[999] * 5],
        "text": ["yes"] * 24,
        "mostly_text": [*["fine"] * 13, *range(11)],
        "enough": [*range(20), *[""] * 4],
    }
    write(tmp_path, "mood", columns)
    found, said = read(tmp_path)
    assert list(found) == ["mood: enough"] and said == []
    assert read(tmp_path, PEOPLE[:19])[0].empty


def test_text_among_numbers_is_missing(tmp_path):
    write(tmp_path, "mood", {"total": ["12?", "inf", *range(22)]})
    found, said = read(tmp_path)
    np.testing.assert_array_equal(found["mood: total"], [np.nan, np.nan, *range(22)])
    reason = "column total: 2 cells such as '12?', expected numbers: missing"
    assert said == [("all", "mood.tsv", reason)]


def test_comments_with_tabs_and_quotes(tmp_path):
    comments = ['"a ""fine""\tone"', '"never closed', 'in "the" middle', '"quote" unquote']
    comments += ["two\ttabs\t", '5\t"open', *"x" * 18]
    write(tmp_path, "mood", {"comment": comments, "total": range(24)})
    found, said = read(tmp_path)
    expected = [*range(4), np.nan, np.nan, *range(6, 24)]
    np.testing.assert_array_equal(found["mood: total"], expected)
    assert said == [
        (PEOPLE[4], "mood.tsv", "line 6: found 5 cells, expected 3: left out"),
        (PEOPLE[5], "mood.tsv", "line 7: found 4 cells, expected 3: left out"),
    ]


def test_comments_over_several_lines(tmp_path):
    comments = ['"first\n\nthird\tpart"', '"never closed', 'closed"', *"x" * 21]
    write(tmp_path, "mood", {"comment": comments, "total": range(24)})
    found, said = read(tmp_path)
    np.testing.assert_array_equal(found["mood: total"], np.arange(24))
    assert said == []


def test_comments_in_another_encoding(tmp_path):
    write(tmp_path, "mood", {"comment": ["cafe"] * 24, "total": range(24)})
    path = tmp_path / "phenotype" / "mood.tsv"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"cafe", b"caf\xe9"))
    found, said = read(tmp_path)
    assert list(found) == ["mood: total"] and found.notna().all().all() and said == []


def test_the_first_row_of_a_person_serves(tmp_path):
    again = [f"{KEYS[0]}\t50", "", f"{KEYS[1]}\t51", "NDAR_INVX\t52", "NDAR_INVX\t53", "cut"]
    write(tmp_path, "mood", {"total": range(24)}, more=again)
    found, said = read(tmp_path)
    np.testing.assert_array_equal(found["mood: total"], np.arange(24))
    reasons = [reason for *_, reason in said]
    assert reasons == [
        "line 31: found 1 cells, expected 2: left out",
        "2 people such as sub-NDARINVA00 in several rows: the first is used",
    ]


BAD = {
    "": "no column of ids, expected subjectkey or participant_id, found ''",
    "id,total\nNDAR_INVA00,1": "expected subjectkey or participant_id, found 'id,total'",
    "name\ttotal\nNDAR_INVA00\t1": "expected subjectkey or participant_id, found 'name, total'",
    "subjectkey\ttotal\nNDAR_INVX\t1": "none of these people, found 'NDAR_INVX' in the last row",
    "subjectkey\ttotal\n": "none of these people, found '' in the last row",
}


@pytest.mark.parametrize("text", BAD)
def test_a_bad_table_is_one_line_and_the_others_go_on(tmp_path, text):
    write(tmp_path, "mood", {"total": range(24)})
    (tmp_path / "phenotype" / "bad.tsv").write_text(text)
    found, ((who, file, reason),) = read(tmp_path)
    assert list(found) == ["mood: total"] and (who, file) == ("all", "bad.tsv")
    assert BAD[text] in reason and reason.endswith(": the table is left out")


def test_files_whose_content_was_not_downloaded(tmp_path):
    write(tmp_path, "mood", {"total": range(24)})
    for name in ("bad.tsv", "mood_definitions.tsv"):
        (tmp_path / "phenotype" / name).symlink_to(tmp_path / "annex")
    found, ((_, file, reason),) = read(tmp_path)
    assert list(found) == ["mood: total"] and measure_labels(tmp_path) == {}
    assert file == "bad.tsv" and "was its content downloaded?" in reason


def test_tcp(shared):
    root = shared / "tcp"
    people = list(read_participants(root, ExclusionLog()).index)
    found, said = read(root, people)
    # 56, 24 and 6 columns less five of the person; less three constant numbers of trials in
    # hammer01, block_number and comment in stroop01
    tables = [name.split(": ")[0] for name in found]
    assert {name: tables.count(name) for name in tables} == {
        "hammer01": 56 - 5 - 3,
        "stroop01": 24 - 5 - 2,
        "tmb_dsm01": 6 - 5,
    }
    # a row a block, AP first; one of the 221 people is not in participants.tsv
    ((_, file, reason),) = said
    assert file == "stroop01.tsv" and reason.startswith("220 people such as ")
    assert found["stroop01: rt"]["sub-NDARINVYT858CBN"] == 786.0779698
    assert found["stroop01: strooptotacc"]["sub-NDARINVYT858CBN"] == 72
    assert found["tmb_dsm01: tmb_dsm_score"]["sub-NDARINVDW733XXB"] == 41
    assert found["tmb_dsm01: tmb_dsm_score"].count() == 209
    # 37 of 224 made no error: 999; one of them is the person who is not in participants.tsv
    assert found["hammer01: hammer_tot_meanrt_err"].count() == 224 - 37
    assert found["hammer01: hammer_tot_meanrt_err"]["sub-NDARINVHB925HEK"] == 778.2599926
    assert np.isnan(found["hammer01: hammer_faces_meanrt_err"]["sub-NDARINVHB925HEK"])
    assert not (found.abs() == 999).any().any()
    labels = measure_labels(root)
    assert set(found) <= set(labels)
    # NDA's own definitions have cells of several lines
    assert labels["ctq01: ctqscore_sa"] == "Sexual Abuse"
    assert labels["hammer01: hammer_tot_meanrt"] == "Hammer total mean reaction time"
