"""The table that ops/bench makes, of made-up figures."""

import pathlib
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "ops" / "lib" / "bench"))

import figures  # noqa: E402
import table  # noqa: E402


def made_up(**values):
    made = figures.Figures()
    for name, of_rounds in values.items():
        for value in of_rounds:
            made.add(name, value)
    return made


def run_result(**changed):
    result = {"calls": 100, "calls_per_second": 50.0, "server_cpu_us_per_call": 20.0,
              "latency_us": {"p50": 10, "p90": 12, "p99": 15, "p999": 30}, "failures": {},
              "item_failures": 0, "late": 0}
    result.update(changed)
    return result


class FiguresTest(unittest.TestCase):
    def test_median_and_spread_over_the_rounds(self):
        made = made_up(rate=[100, 300, 110, 90, 105])
        self.assertEqual(made.median("rate"), 105)
        self.assertAlmostEqual(made.spread("rate"), 1.0)
        self.assertIsNone(made.median("other"))
        self.assertIsNone(made.spread("other"))

    def test_a_run_gives_rates_latencies_and_items(self):
        made = figures.Figures()
        made.add_load("bulk/x/vault", run_result(), items=400)
        self.assertEqual(made.median("bulk/x/vault/items_per_second"), 20000)
        self.assertEqual(made.median("bulk/x/vault/p99_us"), 15)
        self.assertEqual(made.median("bulk/x/vault/cpu_us"), 20)
        self.assertEqual(made.notes, [])

    def test_failures_are_said_unless_they_are_what_is_measured(self):
        made = figures.Figures()
        failed = run_result(failures={"QUEUE_FULL": 7})
        made.add_load("overload/flood", failed, may_fail=True)
        self.assertEqual(made.notes, [])
        made.add_load("reveal/64/vault", failed)
        made.add_load("bulk/x/vault", run_result(item_failures=3))
        made.add_load("half/alone/vault", run_result(late=9))
        self.assertEqual(len(made.notes), 3)
        self.assertIn("7 of 100 calls failed", made.notes[0])
        self.assertIn("3 items failed", made.notes[1])
        self.assertIn("9 calls that were due were not made", made.notes[2])


class JudgeTest(unittest.TestCase):
    AT_LEAST = table.Target("1", "rate", "calls/s", "ours", "theirs", at_least=0.8)
    AT_MOST = table.Target("2", "memory", "MiB", "memory", at_most=200)

    def judge(self, target, **values):
        rows = table.judge(made_up(**values), [target])
        self.assertEqual(len(rows), 1)
        return rows[0]

    def test_a_ratio_is_met_at_its_bound_and_not_below(self):
        row = self.judge(self.AT_LEAST, ours=[80], theirs=[100])
        self.assertEqual((row["ratio"], row["met"]), (0.8, True))
        self.assertIs(self.judge(self.AT_LEAST, ours=[79], theirs=[100])["met"], False)

    def test_a_figure_is_met_at_its_bound_and_not_above(self):
        row = self.judge(self.AT_MOST, memory=[200])
        self.assertEqual((row["value"], row["ratio"], row["met"]), (200, None, True))
        self.assertIs(self.judge(self.AT_MOST, memory=[201])["met"], False)

    def test_what_is_missing_is_neither_met_nor_not(self):
        for values in ({}, {"ours": [80]}, {"theirs": [100]}, {"ours": [80], "theirs": [0]}):
            row = self.judge(self.AT_LEAST, **values)
            self.assertIsNone(row["met"])
            self.assertIsNone(row["ratio"])
        self.assertIsNone(self.judge(self.AT_MOST)["met"])

    def test_the_median_counts_not_the_best_round(self):
        row = self.judge(self.AT_LEAST, ours=[200, 10, 20], theirs=[100, 100, 100])
        self.assertEqual((row["value"], row["met"]), (20, False))

    def test_one_call_at_a_time_may_take_two_and_a_half_echoes_and_an_fsync(self):
        target = next(t for t in table.TARGETS if t.line == "1.1")
        values = {"reveal/1/echo/p50_us": [100], "fsync/us": [150]}
        self.assertIs(self.judge(target, **values, **{"reveal/1/vault/p50_us": [400]})["met"], True)
        self.assertIs(self.judge(target, **values, **{"reveal/1/vault/p50_us": [401]})["met"],
                      False)
        self.assertIsNone(self.judge(target, **{"reveal/1/vault/p50_us": [1]})["met"])

    def test_batches_are_held_against_the_disk_that_is_there(self):
        target = next(t for t in table.TARGETS if t.line == "3.batch")
        for puts, records, met in ((47000, 15000, True), (47000, 14900, False),
                                   (23500, 7500, True)):
            row = self.judge(target, **{"create/floor/puts_per_second": [puts],
                                        "create/batch/vault/items_per_second": [records]})
            self.assertIs(row["met"], met)

    def test_every_line_has_one_bound_and_a_name_of_its_own(self):
        lines = [target.line for target in table.TARGETS]
        self.assertEqual(len(lines), len(set(lines)))
        self.assertEqual({line[0] for line in lines}, set("123456"))
        for target in table.TARGETS:
            self.assertNotEqual(target.at_least is None, target.at_most is None, target.line)


class MarkdownTest(unittest.TestCase):
    def text(self, made):
        return table.markdown([("processor", "made up")], made, table.judge(made))

    def row(self, text, line):
        return next(row for row in text.splitlines() if row.startswith(f"| {line} |"))

    def test_met_not_met_and_missing_stand_side_by_side(self):
        made = made_up(**{"start/seconds": [1.5], "rotation/alone/seconds": [75]})
        text = self.text(made)
        self.assertIn(f"1 of {len(table.TARGETS)} targets met, 1 not,", text)
        self.assertIn("| yes |", self.row(text, "5.start"))
        self.assertIn("**no**, see ops/docs/performance.md, 5.rotation",
                      self.row(text, "5.rotation"))
        self.assertIn("not measured", self.row(text, "5.memory"))

    def test_every_row_has_as_many_cells_as_its_head(self):
        made = figures.Figures()
        made.add_load("reveal/64/vault", run_result())
        made.add("fsync/us", 120)
        made.note("a note")
        cells = None
        for line in self.text(made).splitlines():
            if not line.startswith("|"):
                cells = None
                continue
            cells = cells or line.count("|")
            self.assertEqual(line.count("|"), cells, line)

    def test_loads_have_what_a_call_costs(self):
        made = figures.Figures()
        made.add_load("reveal/64/vault", run_result())
        made.add("reveal/64/vault/system_calls_per_call", 3.25)
        text = self.text(made)
        load = next(row for row in text.splitlines() if row.startswith("| reveal/64/vault"))
        self.assertIn("3.25", load)
        self.assertNotIn("reveal/64/vault/system_calls_per_call", text)

    def test_notes_and_machine_are_said(self):
        made = figures.Figures()
        made.note("something was not as it should be")
        text = self.text(made)
        self.assertIn("- something was not as it should be", text)
        self.assertIn("- processor: made up", text)


if __name__ == "__main__":
    unittest.main(verbosity=2)
