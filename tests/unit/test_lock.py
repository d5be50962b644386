"""conf/requirements.lock holds what pyproject.toml asks for, in the versions of conf/constraints.txt, by sha256."""

import re
import tomllib

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from paths import CONF, ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = (CONF / "requirements.lock").read_text()
REMAKE = "make it anew: docs/install.md has the command"


def locked():
    """name -> (version, sha256s) of each package."""
    text = re.sub(r"(?m)^\s*#.*\n", "", LOCK).replace("\\\n", " ")
    found = {}
    for line in text.splitlines():
        pin, *hashes = re.split(r"\s+--hash=sha256:", line)
        requirement = Requirement(pin)
        (only,) = requirement.specifier
        assert only.operator == "==", line
        found[canonicalize_name(requirement.name)] = only.version, hashes
    return found


def constraints():
    lines = (CONF / "constraints.txt").read_text().split()
    return {canonicalize_name(name): version for name, version in (x.split("==") for x in lines)}


def test_it_has_all_that_is_needed():
    pins = locked()
    for text in PROJECT["dependencies"]:
        wanted = Requirement(text)
        version, _ = pins[canonicalize_name(wanted.name)]
        assert wanted.specifier.contains(version), f"{text}: {REMAKE}"


def test_its_versions_are_those_that_are_tested():
    tested = constraints()
    differing = {
        name: version
        for name, (version, _) in locked().items()
        if tested.get(name, version) != version
    }
    assert differing == {}, REMAKE
    # What has no tested version comes with CUDA, or on other systems only.
    untested = {name for name in locked() if name not in tested}
    others = {name for name in untested if not name.startswith(("cuda-", "nvidia-"))}
    assert others == {"colorama", "triton"}


def test_every_file_is_known_by_its_sha256_and_none_by_its_place():
    for name, (_, hashes) in locked().items():
        assert hashes and all(re.fullmatch("[0-9a-f]{64}", h) for h in hashes), name
    assert "://" not in LOCK and "-index" not in LOCK


def test_every_package_that_is_needed_has_a_tested_version():
    tested = constraints()
    for text in PROJECT["dependencies"]:
        wanted = Requirement(text)
        assert wanted.specifier.contains(tested[canonicalize_name(wanted.name)]), text
