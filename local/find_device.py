#!/usr/bin/env python3
"""Print the device that a name means here.

Usage: find_device.py cpu|cuda|auto

Example: local/find_device.py auto

Exit status: 0 it is there; 1 there is none; 2 wrong usage; 130 interrupted.
"""

from __future__ import annotations

from dec_cli import program
from diar.base.devices import device_of


def main() -> None:
    parser = program.parser(__doc__)
    parser.add_argument("name", help="cpu; cuda, cuda:1; auto: a GPU where there is one")
    print(device_of(parser.parse_args().name))


if __name__ == "__main__":
    program.run(main)
