#!/usr/bin/env python3
"""Fails on a clause of an operator's text that no test and no policy case names.

Which clauses there are stands in the tables of ops/docs/clauses/POLICY.md; what counts is a case of
ops/policies/POLICY.yaml with that `clause`, or a test under tests/ with the clause in its name
(`Clause000_14`) or in the comment right above it (C++) or its docstring (Python). Prints the places.
"""
import argparse
import collections
import pathlib
import re
import sys

CLAUSE = re.compile(r"\b(\d{3})[-_](\d{2})\b")
ROW = re.compile(r"^\| (\d{3}-\d{2}) \|")
CPP_TEST = re.compile(r"^TEST(?:_F|_P)?\((\w+),")
PYTHON_TEST = re.compile(r"^\s*def (test_\w+)\(")
CASE = re.compile(r"^  - \{clause: (?:\"([^\"]*)\"|\[([^\]]*)\]|(\d{3}-\d{2})),")


def clauses_in(text):
    return {f"{number}-{clause}" for number, clause in CLAUSE.findall(text)}


def in_policy(path):
    """(clause, line) of each case."""
    cases = False
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.startswith((" ", "#")):
            cases = line.startswith("cases:")
        match = CASE.match(line) if cases else None
        if match:
            for clause in clauses_in(" ".join(filter(None, match.groups()))):
                yield clause, number


def in_cpp(path):
    lines = path.read_text().splitlines()
    for number, line in enumerate(lines, 1):
        if not CPP_TEST.match(line):
            continue
        # The name may stand on the next line.
        declaration = line + (lines[number] if number < len(lines) and ")" not in line else "")
        text = re.sub(r"Clause(\d{3}_\d{2})", r" \1 ", declaration).replace("_", "-")
        above = number - 2
        while above >= 0 and lines[above].startswith("//"):
            text += lines[above] + "\n"
            above -= 1
        for clause in clauses_in(text):
            yield clause, number


def in_python(path):
    lines = path.read_text().splitlines()
    for number, line in enumerate(lines, 1):
        if PYTHON_TEST.match(line) and number < len(lines) and lines[number].lstrip().startswith('"""'):
            docstring = "\n".join(lines[number:]).split('"""')[1]
            for clause in clauses_in(docstring):
                yield clause, number


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[2])
    root = parser.parse_args().root
    tests = collections.defaultdict(list)
    for pattern, read in (("*_test.cc", in_cpp), ("*_test.py", in_python)):
        for path in sorted((root / "tests").rglob(pattern)):
            for clause, line in read(path):
                tests[clause].append(f"{path.relative_to(root)}:{line}")
    tables = sorted((root / "ops" / "docs" / "clauses").glob("*.md"))
    unnamed, known = [], 0
    for table in tables:
        policy = root / "ops" / "policies" / f"{table.stem}.yaml"
        cases = collections.defaultdict(list)
        for clause, line in in_policy(policy):
            cases[clause].append(line)
        for line in table.read_text().splitlines():
            row = ROW.match(line)
            if not row:
                continue
            clause, known = row[1], known + 1
            places = list(tests[clause])
            if cases[clause]:
                places.insert(0, f"{policy.relative_to(root)}:{cases[clause][0]} (of {len(cases[clause])})")
            print(f"{clause}  {', '.join(places) or 'NOWHERE'}")
            if not places:
                unnamed.append(clause)
    for clause in unnamed:
        print(f"no test and no policy case names {clause}", file=sys.stderr)
    if known == 0:
        print("no clauses found", file=sys.stderr)
    return 1 if unnamed or known == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
