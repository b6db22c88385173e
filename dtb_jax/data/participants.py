"""participants.tsv: age, sex, site, group, family and motion of everybody."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from dtb_jax.data.ledger import DataError, ExclusionLog
from dtb_jax.data.tables import folded, read_table
from dtb_jax.data.tasks.spec import MISSING, label

PARTICIPANT_COLUMNS = ["age", "sex", "site", "group", "family", "motion_mm"]
FAMILY_NAMES = ("family", "family_id")
MOTION_NAMES = ("motion_mm", "mean_fd", "mean_framewise_displacement")
ID = "participant_id"
OLDEST = 120
"""Years; ages above it, as 999 for a missing one, are no ages."""
# BIDS's own names that nothing here depends on
UNUSED = ("species", "strain", "strain_rrid", "handedness")
LIKELY = {
    "age": r"years|.*age.*(scan|years|mri|visit)|age.*",
    "sex": r"gender.*|sex.*|.*_sex|.*_gender",
    "site": r"scanner.*|.*site.*|cent(er|re)|institution.*|location|.*serial_?number",
    "group": r"diagnosis.*|dx.*|.*group|patient.*|clinical_?status",
    "family": r"famil.*|mother.*|pedigree.*",
    "motion_mm": r".*fd.*|.*framewise.*|.*motion.*",
}
"""Names under which others keep them."""
SEXES = {
    "F": r"f|fem(ale)?|wom[ae]n|girl",
    "M": r"m|male|m[ae]n|boy",
    "O": r"o|other",
}


def read_participants(
    root: Path, ledger: ExclusionLog, family: str = "", columns: Sequence[str] = ()
) -> pd.DataFrame:
    """Age, sex, site, group, family and motion by participant_id; what is missing is NaN.

    Args:
        root: folder that holds participants.tsv.
        ledger: lines for who is listed twice (the first row serves), for broken rows, for ages and
            labels that are not what they seem, and for columns that were not used.
        family: column that says who belongs together; "": one of `FAMILY_NAMES`, where there is
            one.
        columns: what is called otherwise, as "sex=gender".

    Returns: `PARTICIPANT_COLUMNS`; age in years, motion in mm, sex as F, M, O or its label, the
        others as text.

    Raises: DataError when there is a table without `participant_id`, or not a named column.
    """
    path = root / "participants.tsv"
    asked = _asked(columns, family)
    if not path.exists():
        for name, column in asked.items():
            raise DataError(f"{path}: no such table, expected one with column {column!r} ({name})")
        ledger.add("all", "", path, "no participants.tsv: no results by site or group")
        return pd.DataFrame(columns=PARTICIPANT_COLUMNS, index=pd.Index([], name=ID))
    table = read_table(path, lambda said: ledger.add("all", "", path, f"{said}: left out"))
    place = _places(path, list(table.columns), asked)
    _note_unused(table, place, path, ledger)
    table = table.replace({text: np.nan for text in MISSING})
    table = table.set_index(place[ID]).rename_axis(ID)
    for name in table.index[table.index.duplicated()].dropna().unique():
        ledger.add(name, "", path, "listed more than once: the first row is used")
    table = table[~table.index.duplicated() & table.index.notna()]
    found = pd.DataFrame(index=table.index)
    for name in PARTICIPANT_COLUMNS:
        column = place.get(name, "")
        found[name] = table[column] if column in table else pd.Series(np.nan, table.index, object)
    found["age"] = _ages(found["age"], path, ledger)
    found["motion_mm"] = _numbers(found["motion_mm"], path, ledger)
    found["sex"] = _sexes(found["sex"], path, ledger)
    for name in ("site", "group", "family"):
        found[name] = _labels(found[name], path, ledger)
    return found


def of_people(
    table: pd.DataFrame,
    people: Sequence[str],
    everybody: Sequence[str],
    root: Path,
    ledger: ExclusionLog,
) -> pd.DataFrame:
    """The rows of these people, in their order; ids may lack `sub-` or differ in case and `_`.

    Nobody is guessed: who is listed as sub-01 and has a folder sub-001 has no row.

    Args:
        table: from `read_participants`.
        people: the cohort.
        everybody: who has a file of any kind.
        root: folder that holds participants.tsv.
        ledger: lines for who is not in the table, and one for rows of nobody.
    """
    path = root / "participants.tsv"
    rows = _matches(list(table.index), everybody)
    found = table.reindex([rows.get(person) for person in people])
    found.index = pd.Index(people, name=ID)
    if not len(table):
        return found
    left = [row for row in table.index if row not in set(rows.values())]
    missing = [person for person in people if person not in rows]
    unknown = "age, sex and site unknown"
    if missing and len(missing) == len(people):
        said = f"lists none of {len(people)} people: found {left[0]}, expected {people[0]}"
        ledger.add("all", "", path, f"{said}: {unknown}")
        return found
    for person in missing:
        alike = [row for row in left if _without_zeros(row) == _without_zeros(person)]
        which = f", which has {' and '.join(alike)}" if alike else ""
        ledger.add(person, "", path, f"not in participants.tsv{which}: {unknown}")
    if left:
        said = f"{len(left)} of {len(table)} rows, {left[0]} first, are of nobody with a file"
        ledger.add("all", "", path, f"{said}: not in the cohort")
    return found


def bare_id(participant: str) -> str:
    """What sub-NDARINVX, NDARINVX and NDAR_INVX have in common."""
    return participant.strip().lower().removeprefix("sub-").replace("_", "")


def _matches(rows: Sequence[str], people: Sequence[str]) -> dict[str, str]:
    """{person: their row}, by the same id or by one that is the same but for its spelling."""
    exact = set(rows) & set(people)
    free: dict[str, list[str]] = {}
    for row in rows:
        if row not in exact:
            free.setdefault(bare_id(row), []).append(row)
    others: dict[str, list[str]] = {}
    for person in people:
        if person not in exact:
            others.setdefault(bare_id(person), []).append(person)
    alike = {
        own[0]: free[bare][0]
        for bare, own in others.items()
        if len(own) == 1 and len(free.get(bare, [])) == 1
    }
    return {person: person for person in exact} | alike


def _without_zeros(participant: str) -> str:
    return bare_id(participant).lstrip("0")


def _asked(columns: Sequence[str], family: str) -> dict[str, str]:
    """{"sex": "gender"} of "sex=gender".

    Raises: DataError for what is no such pair, or twice.
    """
    asked: dict[str, str] = {"family": family} if family else {}
    for pair in (part for one in columns for part in one.split(",")):
        name, is_pair, column = (text.strip() for text in pair.partition("="))
        if name not in (ID, *PARTICIPANT_COLUMNS) or not is_pair or not column:
            raise DataError(
                f"--config.columns: {pair!r}, expected NAME=COLUMN, like sex=gender, with one of "
                f"{', '.join((ID, *PARTICIPANT_COLUMNS))}"
            )
        if asked.get(name, column) != column:
            raise DataError(
                f"--config.columns: {name} is to be both {asked[name]} and {column}, expected one"
            )
        asked[name] = column
    return asked


def _places(path: Path, names: list[str], asked: Mapping[str, str]) -> dict[str, str]:
    """Which column of the table is what.

    Raises: DataError where one is missing or can not be told from another.
    """
    usual = {name: (name,) for name in (ID, "age", "sex", "site", "group")}
    wanted = usual | {"family": FAMILY_NAMES, "motion_mm": MOTION_NAMES}
    wanted |= {name: (column,) for name, column in asked.items()}
    place = {}
    for name, spellings in wanted.items():
        for spelling in spellings:
            same = [one for one in names if folded(one) == folded(spelling)]
            if len(same) > 1:
                same = [one for one in same if one == spelling] if name in asked else same
            if len(same) > 1:
                raise DataError(
                    f"{path}: columns {' and '.join(map(repr, same))} differ by blanks or case "
                    "alone, expected one of them"
                )
            if same:
                place[name] = same[0]
                break
        if name not in place and (name == ID or name in asked):
            option = "" if name == ID or name == "family" else f"--config.columns: {name}: "
            raise DataError(
                f"{option}{path}: column {spellings[0].lower()} is missing, found "
                + ", ".join(names).lower()
            )
    return place


def _note_unused(
    table: pd.DataFrame, place: Mapping[str, str], path: Path, ledger: ExclusionLog
) -> None:
    """One line for all columns that are not read, with what they may be."""
    used = set(place.values())
    other = [name for name in table.columns if name not in used and folded(name) not in UNUSED]
    likely: dict[str, str] = {}
    for name, pattern in LIKELY.items():
        alike = (one for one in other if re.fullmatch(pattern, folded(one).replace(" ", "_")))
        if name not in place and (first := next(alike, None)):
            likely[name] = first
            other.remove(first)
    if likely or other:
        told = [f"{column} ({name}?)" for name, column in likely.items()] + other
        pairs = ",".join(f"{name}={column}" for name, column in likely.items())
        way = f"; --config.columns={pairs} reads them so" if likely else ""
        ledger.add("all", "", path, f"columns not used: {_some(told)}{way}")


def _some(names: Sequence[str], most: int = 12) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _numbers(column: pd.Series, path: Path, ledger: ExclusionLog) -> pd.Series:
    number = pd.to_numeric(column, errors="coerce").astype(float)
    number = number.where(np.isfinite(number))
    for person, text in column[number.isna()].dropna().items():
        ledger.add(
            person, "", path, f"{column.name} {text!r} is not a number: {column.name} unknown"
        )
    return number


def _ages(column: pd.Series, path: Path, ledger: ExclusionLog) -> pd.Series:
    """Years; 90+ is 90, and what nobody can be is unknown."""
    open_end = column.astype(str).str.extract(r"^(?:>=?|≥)?\s*(\d+(?:\.\d+)?)\s*\+?$")[0]
    said = column.notna() & open_end.notna() & column.astype(str).str.contains(r"[+>≥]")
    for person, text in column[said].items():
        ledger.add(person, "", path, f"age {text!r} is taken as {open_end[person]}")
    years = _numbers(column.where(~said, open_end), path, ledger)
    strange = (years <= 0) | (years > OLDEST)
    for person, age in years[strange].items():
        ledger.add(
            person, "", path, f"age {age:g} is none, expected 1 to {OLDEST} years: age unknown"
        )
    return years.where(~strange)


def _sexes(column: pd.Series, path: Path, ledger: ExclusionLog) -> pd.Series:
    """F, M or O where a word says so; other labels as they are, with a line."""
    words = _labels(column, path, ledger)
    for letter, pattern in SEXES.items():
        words = words.where(~words.astype(str).str.fullmatch(pattern, case=False), letter)
    words = words.map(lambda word: word if pd.isna(word) else label(word))
    codes = sorted(set(words.dropna()) - set(SEXES))
    if codes:
        said = f"sex is called {_some(codes)} of {int(words.isin(codes).sum())} people"
        ledger.add("all", "", path, f"{said}, expected F, M or O: kept as labels")
    return words


def _labels(column: pd.Series, path: Path, ledger: ExclusionLog) -> pd.Series:
    """Text without stray blanks and quotation marks; case alone makes no other label."""
    text = column.map(lambda cell: cell if pd.isna(cell) else " ".join(cell.strip(' "').split()))
    text = text.where(text != "", np.nan)
    if column.name in ("family", "sex"):
        return text
    first: dict[str, str] = {}
    for word in text.dropna():
        first.setdefault(folded(word), word)
    several = sorted(set(text.dropna()) - set(first.values()))
    if several:
        said = ", ".join(f"{word} as {first[folded(word)]}" for word in several)
        ledger.add("all", "", path, f"{column.name}: {said}: they differ by case alone")
    return text.map(lambda word: word if pd.isna(word) else first[folded(word)])
