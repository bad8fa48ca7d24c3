#!/usr/bin/env python3
"""Runs a Sollya script of this folder and prints its constants as Rust. Needs Sollya 8.

    ./rust.py exp.sollya
"""

import pathlib
import struct
import subprocess
import sys
import textwrap


def literal(value: float, ty: str) -> str:
    """The shortest decimal that reads back as the value."""
    if ty == "f64":
        return repr(value)
    assert struct.unpack("f", struct.pack("f", value))[0] == value, f"{value!r} is not a float32"
    for digits in range(1, 10):
        text = f"{value:.{digits}g}"
        if struct.unpack("f", struct.pack("f", float(text)))[0] == value:
            mantissa, _, exponent = text.partition("e")
            mantissa = mantissa if "." in mantissa else mantissa + ".0"
            return mantissa + (f"e{int(exponent)}" if exponent else "")
    raise AssertionError


def print_table(name: str, ty: str, n_rows: int, values: list[str]) -> None:
    """An array of rows, in lines of up to 120 characters."""
    n_columns = len(values) // n_rows
    print(f"#[rustfmt::skip]\nconst {name}: [[{ty}; {n_columns}]; {n_rows}] = [")
    for start in range(0, len(values), n_columns):
        text = ", ".join(values[start : start + n_columns])
        print("\n".join(textwrap.wrap(text, 120, initial_indent="    [", subsequent_indent="     ")) + "],")
    print("];")


def main() -> None:
    script = pathlib.Path(sys.argv[1])
    # Sollya exits with 3 or 4 where it had anything to warn of, such as an evaluation that it had to make more precise.
    found = subprocess.run(["sollya", script.name], cwd=script.resolve().parent, capture_output=True, text=True)
    if found.stderr or "error" in found.stdout:
        sys.exit(found.stdout + found.stderr)
    for line in found.stdout.splitlines():
        words = line.split()
        if words[:1] == ["table"]:
            _, name, ty, n_rows, *values = words
            print_table(name, ty, int(n_rows), [literal(float.fromhex(value), ty) for value in values])
            continue
        if words[:1] != ["const"]:
            print(line if line.startswith("//") else f"// {line}")
            continue
        _, name, ty, *values = words
        values = [literal(float.fromhex(value), ty) for value in values]
        if len(values) == 1:
            print(f"const {name}: {ty} = {values[0]};")
        else:
            print(f"const {name}: [{ty}; {len(values)}] = [")
            for value in values:
                print(f"    {value},")
            print("];")


main()
