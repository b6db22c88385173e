"""Options: found by their flags in nested configs, and held to their bounds."""

from dataclasses import dataclass

import pytest

from dtb_jax.twin.option import Config, changed, flat, leaves, option
from dtb_jax.types import DataError
from dtb_jax.workflows.config import HeldOutConfig, InterventionConfig, StudyConfig


@dataclass(frozen=True)
class Inner(Config):
    size: int = option(3, "A size.", least=1)
    share: float = option(0.5, "A share.", least=0, below=1)
    word: str = option("", "A word.", one_of=("a", "b"))
    many: str = option("x", "One of several.", one_of=("x", "y", "z"))
    length: float | None = option(None, "A length.", above=0)
    root: str = option("", "A folder.", flag="data")
    not_an_option: int = 0


@dataclass(frozen=True)
class Outer(Config):
    seed: int = option(0, "A seed.")
    inner: Inner = Inner(size=7)


def test_leaves_are_named_by_flags_and_know_their_section():
    found = leaves(Outer)
    assert list(found) == ["seed", "size", "share", "word", "many", "length", "data"]
    assert (found["data"].section, found["data"].field.name) == ("inner", "root")
    assert found["size"].default == 7 and found["seed"].section == ""


def test_changed_reaches_nested_configs_and_leaves_the_rest():
    now = Outer.of(seed=2, data="here", size=1)
    assert (now.seed, now.inner.root, now.inner.size, now.inner.share) == (2, "here", 1, 0.5)
    assert changed(now, {}) == now and flat(now)["data"] == "here"
    with pytest.raises(KeyError):
        Outer.of(nowhere=1)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("size", 0, "--config.size: 0, expected at least 1"),
        ("share", 1.0, "--config.share: 1.0, expected from 0 to below 1"),
        ("word", "c", "--config.word: 'c', expected a or b"),
        ("many", "c", "--config.many: 'c', expected one of x, y, z"),
        ("length", 0.0, "--config.length: 0.0, expected more than 0"),
    ],
)
def test_values_out_of_bounds_are_one_sentence(name, value, words):
    with pytest.raises(DataError) as error:
        Outer.of(**{name: value})
    assert str(error.value) == words


@pytest.mark.parametrize("kind", [StudyConfig, HeldOutConfig, InterventionConfig])
def test_every_option_of_a_study_has_help_a_heading_and_one_flag(kind):
    found = leaves(kind)
    for flag, leaf in found.items():
        assert leaf.about["help"].endswith("."), flag
        assert leaf.about["group"] or flag == "data", flag
    names = [
        (one.metadata["flag"] or one.name)
        for config in (kind(), *vars(kind()).values())
        if hasattr(config, "__dataclass_fields__")
        for one in config.__dataclass_fields__.values()
        if "help" in one.metadata
    ]
    assert len(names) == len(set(names)) == len(found)
