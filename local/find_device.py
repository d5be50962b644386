#!/usr/bin/env python3
"""Print the device that a name resolves to on this machine.

Usage: find_device.py cpu|cuda|auto

Example: local/find_device.py auto

Exit status: 0 the device exists; 1 it does not; 2 wrong usage; 130 interrupted.
"""

from __future__ import annotations

from dec_cli import program
from diar.base.devices import device_of


def main() -> None:
    parser = program.parser(__doc__)
    parser.add_argument("name", help="cpu; cuda, cuda:1; auto: a GPU if there is one")
    print(device_of(parser.parse_args().name))


if __name__ == "__main__":
    program.run(main)
