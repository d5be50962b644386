"""Names of systems, from the names of their directories."""

import pytest

from diar.scoring.systems import SYSTEMS, is_told, rank, system_name


@pytest.mark.parametrize(
    ("directory", "name", "told"),
    [
        ("dec_default", "DEC, default", False),
        ("dec_mine", "DEC, mine", False),
        ("dec_mine_2", "DEC, mine_2", False),  # from conf/dec_mine_2.yaml
        ("mine", "mine", False),
        ("spectral_oracle", "spectral, eigengap, count known", True),
        ("mine_oracle", "mine, count known", True),
        ("ahc_1", "AHC, 1 speaker", True),
        ("dec_default_12", "DEC, default, 12 speakers", True),
        ("ahc_2+vad=oracle+seed=3", "AHC, 2 speakers; vad=oracle, seed=3", True),
        ("dec_default+vad=oracle", "DEC, default; vad=oracle", False),
    ],
)
def test_what_a_directory_is_called(directory, name, told):
    assert (system_name(directory), is_told(directory)) == (name, told)


def test_those_that_are_told_come_after_those_that_are_not():
    names = ["ahc_2", "mine", "dec_default_2", "ahc", "dec_default", "ahc_oracle"]
    ordered = sorted(names, key=lambda name: rank(name, list(SYSTEMS)))
    assert ordered == ["dec_default", "dec_default_2", "ahc", "ahc_2", "ahc_oracle", "mine"]
