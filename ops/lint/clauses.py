#!/usr/bin/env python3
"""Fails on a clause of an operator's text that no test and no policy case names.

Which clauses there are stands in the tables of ops/docs/clauses/POLICY.md; what counts is a case of
ops/policies/POLICY.yaml with that `clause`, or a test under tests/ with the clause in its name
(`Clause000_14`) or in the comment right above it (C++) or its docstring (Python). Clauses under the
heading `Left out` are not for the vault to prove, those under `Not yet` are still to be: both say
why. Those under `In part` have their places and say what is missing. Of the classes that decide access all clauses must stand somewhere. Prints the places, with
--markdown as the table for people.
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


# How many clauses of these classes (the first that a row names) each operator's text has.
IN_SCOPE = {
    "field": {"000": 4, "001": 6, "002": 15, "003": 6, "004": 2},
    "purpose": {"000": 1, "001": 6, "002": 9, "003": 24, "004": 10},
    "role": {"000": 5, "001": 6, "002": 2, "003": 2, "004": 2},
    "nda": {"000": 1, "001": 1, "002": 1, "003": 0, "004": 1},
    "third-party": {"000": 2, "001": 1, "002": 3, "003": 7, "004": 6},
    "exception": {"000": 0, "001": 6, "002": 6, "003": 1, "004": 5},
    "consent": {"000": 0, "001": 1, "002": 3, "003": 1, "004": 3},
    "encryption": {"000": 1, "001": 2, "002": 1, "003": 2, "004": 2},
    "transport-security": {"000": 3, "001": 1, "002": 2, "003": 0, "004": 3},
    "session": {"000": 0, "001": 1, "002": 1, "003": 1, "004": 2},
}

Clause = collections.namedtuple("Clause", "id classes short section")


def read_table(path):
    """Clauses of a table, with the heading that they stand under."""
    section = ""
    for line in path.read_text().splitlines():
        if line.startswith("## "):
            section = line[3:].strip()
        row = ROW.match(line)
        if row:
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            yield Clause(row[1], cells[1], cells[2], section)


def missing_rows(clauses):
    """What the tables do not have of the classes that decide access."""
    listed = collections.Counter((c.classes.split(",")[0].strip(), c.id[:3]) for c in clauses)
    operators = {c.id[:3] for c in clauses}
    for name, counts in IN_SCOPE.items():
        for operator, count in counts.items():
            if operator in operators and listed[name, operator] != count:
                yield f"{operator}: {listed[name, operator]} clauses of class {name}, not {count}"


def places_of_tests(root):
    tests = collections.defaultdict(list)
    for pattern, read in (("*_test.cc", in_cpp), ("*_test.py", in_python)):
        for path in sorted((root / "tests").rglob(pattern)):
            for clause, line in read(path):
                tests[clause].append(f"{path.relative_to(root)}:{line}")
    return tests


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[2])
    parser.add_argument("--markdown", action="store_true", help="print the table for people")
    arguments = parser.parse_args()
    root = arguments.root
    tests = places_of_tests(root)
    problems, clauses = [], []
    if arguments.markdown:
        print("| clause | class | in short | proved by |\n|---|---|---|---|")
    for table in sorted((root / "ops" / "docs" / "clauses").glob("*.md")):
        policy = root / "ops" / "policies" / f"{table.stem}.yaml"
        cases = collections.defaultdict(list)
        for clause, line in in_policy(policy):
            cases[clause].append(line)
        for clause in read_table(table):
            clauses.append(clause)
            places = list(tests[clause.id])
            if cases[clause.id]:
                places.insert(0, f"{policy.relative_to(root)}:{cases[clause.id][0]} (of {len(cases[clause.id])})")
            if not places and clause.section in ("", "In part"):
                problems.append(f"no test and no policy case names {clause.id}")
            if places and clause.section == "Not yet":
                problems.append(f"{clause.id} stands under `Not yet`, and {places[0]} names it")
            told = ", ".join(places) or clause.section or "NOWHERE"
            if arguments.markdown:
                print(f"| {clause.id} | {clause.classes} | {clause.short} | {told} |")
            else:
                print(f"{clause.id}  {told}")
    problems += missing_rows(clauses)
    for problem in problems:
        print(problem, file=sys.stderr)
    if not clauses:
        print("no clauses found", file=sys.stderr)
    sections = collections.Counter(c.section or "proved" for c in clauses)
    print(", ".join(f"{count} {name}" for name, count in sorted(sections.items())), file=sys.stderr)
    return 1 if problems or not clauses else 0


if __name__ == "__main__":
    sys.exit(main())
