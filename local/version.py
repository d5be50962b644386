#!/usr/bin/env python3
"""Print the version of the recipe, its commit, and the versions of Python and PyTorch.

Usage: version.py [<name>]

'--version' of every program and script prints this; <name> is the program.

Example: local/version.py
"""

from __future__ import annotations

from dec_cli import program, version


def main() -> None:
    parser = program.parser(__doc__)
    parser.add_argument("name", nargs="?", default="", help="name of the program")
    print(version.line(parser.parse_args().name))


if __name__ == "__main__":
    program.run(main)
