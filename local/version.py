#!/usr/bin/env python3
"""Print the version of the recipe, of the commit it is at, of Python and of PyTorch.

Usage: version.py [<name>]

What '--version' of every program and script prints; <name> is that of the program.

Example: local/version.py
"""

from __future__ import annotations

from dec_cli import program, version


def main() -> None:
    parser = program.parser(__doc__)
    parser.add_argument("name", nargs="?", default="", help="of the program that is asked")
    print(version.line(parser.parse_args().name))


if __name__ == "__main__":
    program.run(main)
