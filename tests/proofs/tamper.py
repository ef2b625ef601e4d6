#!/usr/bin/env python3
"""Changes each value of a proof, one at a time: `check.py` must refuse every one of them.

Usage: tamper.py PROOF.json PUBLIC-KEY-IN-HEX
"""

import copy
import json
import sys

import check


def places(thing, path=()):
    """The paths of all values that hold no others, and of all lists and objects."""
    if isinstance(thing, dict):
        for name, value in thing.items():
            yield from places(value, path + (name,))
    elif isinstance(thing, list):
        for at, value in enumerate(thing):
            yield from places(value, path + (at,))
    yield path


def changes(value):
    """Other values in place of this one."""
    if isinstance(value, bool) or value is None:
        return ["x", 0]
    if isinstance(value, int):
        return [value + 1, -value - 1, None]
    if isinstance(value, str):
        middle = len(value) // 2
        swapped = "1" if value[middle : middle + 1] == "0" else "0"
        if not value:
            return ["x", None]
        return [value[:middle] + swapped + value[middle + 1 :], value + "0", value[:-1], None]
    if isinstance(value, list):
        return [value[1:], value[:-1], value + value[-1:]] if value else [[{}]]
    return [{**value, "extra": 1}, dict(list(value.items())[1:])]


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        proof = json.load(file)
    key = bytes.fromhex(sys.argv[2])
    refused = check.verdict(proof, key)
    if refused is not None:
        sys.exit(f"the proof itself is refused: {refused}")
    other = bytes([key[0] ^ 1]) + key[1:]
    if check.verdict(proof, other) is None:
        sys.exit("another public key is taken")
    tried = 0
    for path in places(proof):
        for change in changes(at(proof, path)):
            forged = put(copy.deepcopy(proof), path, change)
            if forged == proof or leaves_out_outcomes(path, change):
                continue
            tried += 1
            if check.verdict(forged, key) is None:
                sys.exit(f"a change of {path} to {change!r:.200} goes unnoticed")
    print(f"{tried} changes refused")


def leaves_out_outcomes(path, change):
    """Whether a change only leaves outcomes out: nothing in an entry tells that it is one."""
    return path == ("outcomes",) and isinstance(change, list) and len(change) == 0


def at(thing, path):
    for step in path:
        thing = thing[step]
    return thing


def put(thing, path, value):
    if not path:
        return value
    at(thing, path[:-1])[path[-1]] = value
    return thing


if __name__ == "__main__":
    main()
