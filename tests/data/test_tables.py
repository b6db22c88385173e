"""Tables in BIDS: what cells are, and which headers and rows are refused."""

import pytest

from dtb_jax.data import DataError
from dtb_jax.data.tables import read_table


def read(folder, content):
    path = folder / "table.tsv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return read_table(path)


@pytest.mark.parametrize(
    "content",
    [
        "a\tb\n1\t2\n3\t4\n",
        "\ufeffa\tb\n1\t2\n3\t4\n",
        "a\tb\r\n1\t2\r\n3\t4\r\n",
        "a\tb\t\n1\t2\t\n3\t4\t\t\n",
        " a\tb \n 1 \t2\n\n3\t4\n\t\n",
        '"a"\t"b"\n"1"\t2\n3\t"4"\n',
    ],
    ids=["plain", "BOM", "CRLF", "trailing tabs", "blanks", "quoted cells"],
)
def test_read_table_accepts_usual_spellings(tmp_path, content):
    table = read(tmp_path, content)
    assert list(table) == ["a", "b"] and table.to_numpy().tolist() == [["1", "2"], ["3", "4"]]


def test_read_table_keeps_quotation_marks_as_letters(tmp_path):
    table = read(tmp_path, 'a\tb\n"slow\t1\nx\t2\ntwice"\t3\n')
    assert list(table["a"]) == ['"slow', "x", 'twice"'] and list(table["b"]) == ["1", "2", "3"]


def test_read_table_reads_a_quoted_tab_where_the_row_then_fits(tmp_path):
    assert read(tmp_path, 'a\tb\n"x\ty"\t1\n').iloc[0].tolist() == ["x\ty", "1"]


def test_read_table_counts_rows_as_the_file_does(tmp_path):
    assert list(read(tmp_path, "a\n1\n\n2\n").index) == [0, 2]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "the file is empty"),
        ("\n\n", "the file is empty"),
        ("a\tb\n1\t2\t3\n", "line 2: found 3 cells, expected 2"),
        ("a\tb\n1\t2\n3\n", "line 3: found 1 cells, expected 2"),
        ("a\tb\ta \n1\t2\t3\n", "column 'a' is there twice"),
        (b"a\n\xe9\n", "not UTF-8 text .byte 0xe9"),
        (b"\xff\xfea\x00", "not UTF-8 text .byte 0xff"),
    ],
)
def test_read_table_refuses_in_one_sentence(tmp_path, content, said):
    with pytest.raises(DataError, match=said) as error:
        read(tmp_path, content)
    assert "\n" not in str(error.value)


def test_read_table_leaves_out_broken_rows_where_it_may(tmp_path):
    path, told = tmp_path / "table.tsv", []
    path.write_text("a\tb\n1\t2\n3\n4\t5\n")
    assert list(read_table(path, told.append)["a"]) == ["1", "4"]
    assert told == ["line 3: found 1 cells, expected 2"]
