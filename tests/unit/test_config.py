"""Configuration: YAML into frozen dataclasses, overrides, and mistakes that are named."""

import re
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diar.base import config
from diar.base.errors import DataError


@dataclass(frozen=True)
class Inner:
    stay: float = 0.9
    least: int = 4

    def __post_init__(self):
        if self.least < 0:
            raise ValueError(f"least is {self.least}; expected >= 0")


@dataclass(frozen=True)
class Outer:
    rate: float = 1e-3
    steps: int = 10
    kind: Literal["plain", "residual"] = "plain"
    dims: tuple[int, ...] = (500, 30)
    span: tuple[float, float] = (0.0, 1.0)
    name: str | None = None
    shuffle: bool = True
    inner: Inner = Inner(stay=0.5)
    late: Inner = field(default_factory=lambda: Inner(stay=0.1))
    parts: dict[str, Inner] = field(default_factory=dict)


def load(tmp_path, text, overrides=()):
    path = tmp_path / "conf.yaml"
    path.write_text(text, encoding="utf-8")
    return config.load(Outer, path, overrides)


def test_defaults_without_a_file_and_with_an_empty_one(tmp_path):
    assert config.load(Outer) == Outer() == load(tmp_path, "") == load(tmp_path, "# nothing\n")


def test_values_are_converted(tmp_path):
    text = "rate: 1e-2\nsteps: 3\nkind: residual\ndims: [1, 2, 3]\nname: x\nshuffle: false\n"
    expected = Outer(0.01, 3, "residual", (1, 2, 3), name="x", shuffle=False)
    assert load(tmp_path, text) == expected
    assert load(tmp_path, "rate: 2\nname: null\n") == Outer(rate=2.0)
    assert isinstance(load(tmp_path, "rate: 2").rate, float)


def test_nested_values_keep_the_other_defaults_of_the_outer_one(tmp_path):
    assert load(tmp_path, "inner: {least: 2}").inner == Inner(stay=0.5, least=2)
    assert load(tmp_path, "", ["inner.least=2"]).inner == Inner(stay=0.5, least=2)
    assert load(tmp_path, "inner:", ["inner.least=2"]).inner == Inner(stay=0.5, least=2)
    assert load(tmp_path, "", ["late.least=2"]).late == Inner(stay=0.1, least=2)
    assert load(tmp_path, "parts: {a: {least: 1}}").parts == {"a": Inner(least=1)}


def test_overrides_win_and_the_last_of_them_most(tmp_path):
    assert load(tmp_path, "steps: 3", ["steps=4", "steps=5", "dims=[7]"]).steps == 5
    assert load(tmp_path, "", ["dims=[7, 8]"]).dims == (7, 8)
    assert load(tmp_path, "", ["rate=1e-5"]).rate == 1e-5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stpes: 3", "unknown key 'stpes'; did you mean 'steps'?"),
        ("qqqq: 3", "unknown key 'qqqq'; known keys: rate, steps"),
        ("inner: {stya: 1}", "unknown key 'inner.stya'; did you mean 'stay'?"),
        ("steps: 1.5", "steps is 1.5; expected int"),
        ("steps: true", "steps is True; expected int"),
        ("rate: fast", "rate is 'fast'; expected float"),
        ("rate: true", "rate is True; expected float"),
        (f"rate: 1{'0' * 400}", "; expected float"),
        (f"steps: {1 << 63}", "steps is 9223372036854775808; expected an int of 64 bits"),
        ("name: 3", "name is 3; expected str"),
        ("kind: other", "kind is 'other'; it must be one of: plain, residual"),
        ("dims: 3", "dims is 3; expected"),
        ("dims: [a]", "dims is 'a'; expected int"),
        ("span: [1]", r"span is [1]; expected 2 values"),
        ("shuffle: 1", "shuffle is 1; expected bool"),
        ("inner: 3", "inner is 3; expected Inner"),
        ("inner: {least: -1}", "least is -1; expected >= 0"),
        ("parts: {a: {least: x}}", "parts.a.least is 'x'; expected int"),
        ("- a\n- b", "expected 'key: value' lines"),
        ("a: [1", "not valid YAML"),
    ],
)
def test_mistakes_are_one_line_with_the_file(tmp_path, text, message):
    with pytest.raises(DataError) as error:
        load(tmp_path, text)
    assert str(error.value).startswith(f"{tmp_path / 'conf.yaml'}: ")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("steps", "not of the form key=value"),
        ("stpes=3", "did you mean 'steps'"),
        ("steps.x=3", "has no keys below it|steps is"),
        ("dims=[1", "not valid YAML"),
    ],
)
def test_mistakes_in_overrides(tmp_path, override, message):
    with pytest.raises(DataError, match=message):
        load(tmp_path, "steps: 2", [override])


def test_missing_and_undecodable_files(tmp_path):
    with pytest.raises(DataError, match="no such configuration file"):
        config.load(Outer, tmp_path / "none.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00\xd8")
    with pytest.raises(DataError, match="not valid YAML"):
        config.load(Outer, tmp_path / "binary.yaml")


WHOLE = st.integers(-(1 << 63) + 1, (1 << 63) - 1)


@given(
    st.builds(
        Outer,
        rate=st.floats(allow_nan=False),
        steps=WHOLE,
        kind=st.sampled_from(["plain", "residual"]),
        dims=st.lists(WHOLE, max_size=4).map(tuple),
        name=st.none() | st.text(max_size=8),
        inner=st.builds(Inner, st.floats(0, 1), st.integers(0, 9)),
    )
)
def test_dump_is_read_back(tmp_path_factory, value):
    path = tmp_path_factory.mktemp("config") / "conf.yaml"
    path.write_text(config.dump(value), encoding="utf-8")
    assert config.load(Outer, path) == value


NINES = "9" * 6000


@pytest.mark.parametrize(
    "text, said",
    [
        ("a: 1\nb: 2\na: 3", "duplicate key 'a': remove one of them, line 3"),
        ("{b: {c: 1, 'c': 2}}", "duplicate key 'c'"),
        ("{1: a, '1': b}", "duplicate key '1'"),
        (f"a: {NINES}", "not a valid number, date or boolean, or too long, line 1"),
        ("a: 0x" + "f" * 6000, "or too long"),
        ("a: 1:" + ":".join(["59"] * 5000), "or too long"),
        ("a: !!bool x", "not a valid number, date or boolean"),
        ("a: !!timestamp x", "not a valid number, date or boolean"),
        ("a: !!timestamp 2020-13-45", "not a valid number, date or boolean"),
        ("a: !!int ''", "not a valid number, date or boolean"),
        ("a: " + "[" * 5000 + "]" * 5000, "nested deeper than 50 levels"),
        ("a: " + "{a: " * 5000 + "}" * 5000, "nested deeper than 50 levels"),
        ("".join(" " * i + "a:\n" for i in range(5000)), "nested deeper than 50 levels, line 50"),
        ("a: &x [1]\nb: *x", "alias *x: write out its value, line 2"),
        ("a: &x {b: *x}", "alias *x"),
    ],
)
def test_what_yaml_can_say_and_nobody_means_is_one_line(tmp_path, text, said):
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with pytest.raises(DataError, match=re.escape(said)) as error:
        config.load(Anything, path)
    assert str(error.value).startswith(f"{path}: not valid YAML: ")
    assert "\n" not in str(error.value) and len(str(error.value)) < 400


@dataclass(frozen=True)
class Anything:
    a: Any = None
    b: Any = None
    options: dict[str, Any] = field(default_factory=dict)


@pytest.mark.parametrize(
    "item", [f"a={NINES}", "a={b: 1, b: 2}", "a=" + "[" * 5000, "options" + ".a" * 5000 + "=1"]
)
def test_an_override_that_cannot_be_is_one_line(item):
    with pytest.raises(DataError, match="^override ") as error:
        config.load(Anything, None, [item])
    assert "\n" not in str(error.value) and len(str(error.value)) < 500


def test_a_date_is_a_word(tmp_path):
    (tmp_path / "x.yaml").write_text("a: 2020-13-45\nb: 2020-01-02")
    loaded = config.load(Anything, tmp_path / "x.yaml")
    assert (loaded.a, loaded.b) == ("2020-13-45", "2020-01-02")
    (tmp_path / "y.yaml").write_text(config.dump(loaded))
    assert config.load(Anything, tmp_path / "y.yaml") == loaded


def test_a_long_value_is_shown_from_its_beginning(tmp_path):
    (tmp_path / "x.yaml").write_text("options: " + "x" * 100_000)
    with pytest.raises(DataError, match="expected dict") as error:
        config.load(Anything, tmp_path / "x.yaml")
    assert len(str(error.value)) < 500
