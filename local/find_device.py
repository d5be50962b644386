#!/usr/bin/env python3
"""Print the device of a name: find_device.py cpu|cuda|auto. One line and status 1 where there is none."""

from __future__ import annotations

import program
from diar.devices import device_of


def main() -> None:
    arguments = program.parser(__doc__)
    arguments.add_argument("name")
    print(device_of(arguments.parse_args().name))


if __name__ == "__main__":
    program.run(main)
