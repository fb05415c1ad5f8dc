"""Runs the tests that CTest knows of a build folder, two programs at a time.

Cases of one GoogleTest program run in one process: starting it once for each case would take longer
than most cases. If the process dies, the case it died in has failed and the cases behind it run in a
new one. Everything else that CTest knows runs as it stands. The last line is `N passed, M failed`.
"""
import argparse
import collections
import concurrent.futures
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

WORKERS = 2
DEFAULT_TIMEOUT = 900
# A GoogleTest program with many cases is cut into pieces of this size, so that two run beside each
# other and a crash costs little.
PIECE = 60

Test = collections.namedtuple("Test", "name command properties")
Outcome = collections.namedtuple("Outcome", "passed failed output seconds")


def read_tests(build_dir):
    listing = subprocess.run(["ctest", "--show-only=json-v1"], cwd=build_dir, check=True,
                             stdout=subprocess.PIPE).stdout
    tests = []
    for test in json.loads(listing)["tests"]:
        if "command" not in test:
            # CTest's stand-in for a program that was not built.
            tests.append(Test(test["name"], ["false"], {}))
            continue
        properties = {p["name"]: p["value"] for p in test.get("properties", [])}
        tests.append(Test(test["name"], test["command"], properties))
    return tests


def gtest_case(test):
    """The case that the command runs, or None if it is not a GoogleTest program's."""
    for argument in test.command[1:]:
        if argument.startswith("--gtest_filter="):
            return argument.partition("=")[2]
    return None


def programs_of(test):
    """Names of the programs of ours that a test runs: by itself, or as its environment tells it."""
    paths = [test.command[0]]
    paths += [s.partition("=")[2] for s in test.properties.get("ENVIRONMENT", [])]
    return {os.path.basename(path) for path in paths}


def run(command, properties, temporary, extra_environment=()):
    environment = dict(os.environ, TEST_TMPDIR=temporary, TMPDIR=temporary)
    for setting in properties.get("ENVIRONMENT", []):
        name, _, value = setting.partition("=")
        environment[name] = value
    environment.update(extra_environment)
    timeout = float(properties.get("TIMEOUT", DEFAULT_TIMEOUT))
    if os.environ.get("PIIVAULT_LONG"):
        timeout *= 50
    process = subprocess.Popen(command, cwd=properties.get("WORKING_DIRECTORY"), env=environment,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               start_new_session=True)
    try:
        output, _ = process.communicate(timeout=timeout)
        return process.returncode, output.decode("utf-8", "replace")
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        return None, output.decode("utf-8", "replace") + f"\nstopped after {timeout:.0f} s\n"


def run_plain(test):
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="piivault-test-") as temporary:
        code, output = run(test.command, test.properties, temporary)
    passed = [test.name] if code == 0 else []
    failed = [] if code == 0 else [test.name]
    return Outcome(passed, failed, "" if code == 0 else output, time.monotonic() - start)


def run_cases(program, cases, properties):
    """Runs the cases of one program, in as many processes as it takes."""
    start = time.monotonic()
    passed, failed, outputs = [], [], []
    remaining = list(cases)
    while remaining:
        with tempfile.TemporaryDirectory(prefix="piivault-test-") as temporary:
            code, output = run([program, "--gtest_filter=" + ":".join(remaining),
                                "--gtest_color=no"], properties, temporary)
        good = set(re.findall(r"^\[       OK \] (\S+)", output, re.M))
        bad = set(re.findall(r"^\[  FAILED  \] ([^\s,]+)", output, re.M))
        begun = re.findall(r"^\[ RUN      \] (\S+)", output, re.M)
        done = [case for case in remaining if case in good and case not in bad]
        wrong = [case for case in remaining if case in bad]
        if code != 0 and not wrong:
            # It died: in the case begun last, or outside any (a sanitizer's report at the end).
            last = [case for case in begun if case not in good]
            wrong = last[-1:] or done[-1:] or remaining[:1]
            done = [case for case in done if case not in wrong]
        if code != 0:
            outputs.append(output)
        passed += done
        failed += wrong
        rest = [case for case in remaining if case not in done and case not in wrong]
        if len(rest) == len(remaining) or (code == 0 and rest):
            failed += rest
            outputs.append(output)
            break
        remaining = rest
    return Outcome(passed, failed, "\n".join(outputs), time.monotonic() - start)


def plan(tests):
    """Jobs as (label, function), those of the program with most cases first."""
    programs = collections.defaultdict(list)
    jobs = []
    for test in tests:
        case = gtest_case(test)
        if case is None:
            jobs.append((test.name, lambda test=test: run_plain(test)))
        else:
            programs[test.command[0]].append((case, test))
    for program, entries in programs.items():
        properties = entries[0][1].properties
        cases = [case for case, _ in entries]
        for first in range(0, len(cases), PIECE):
            piece = cases[first:first + PIECE]
            label = os.path.basename(program) + (f" [{first + 1}..]" if len(cases) > PIECE else "")
            jobs.append((label, lambda program=program, piece=piece, properties=properties:
                         run_cases(program, piece, properties)))
    return jobs


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build-dir", required=True)
    parser.add_argument("--filter", default=".")
    parser.add_argument("--programs", default="", help="only tests that run these, comma-separated")
    parser.add_argument("--list", action="store_true")
    flags = parser.parse_args()
    tests = [t for t in read_tests(flags.build_dir) if re.search(flags.filter, t.name)]
    if flags.programs:
        wanted = set(flags.programs.split(","))
        tests = [t for t in tests if programs_of(t) & wanted]
    if flags.list:
        print("\n".join(test.name for test in tests))
        return 0
    passed, failed = 0, []
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        futures = {pool.submit(job): label for label, job in plan(tests)}
        for future in concurrent.futures.as_completed(futures):
            outcome = future.result()
            passed += len(outcome.passed)
            failed += outcome.failed
            mark = "FAILED" if outcome.failed else "ok"
            print(f"{mark:6} {len(outcome.passed):5} of "
                  f"{len(outcome.passed) + len(outcome.failed):5}  {outcome.seconds:7.1f} s  "
                  f"{futures[future]}", flush=True)
            if outcome.failed:
                print(outcome.output[-20000:], flush=True)
    for name in sorted(failed):
        print("failed:", name)
    print(f"{passed} passed, {len(failed)} failed", flush=True)
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
