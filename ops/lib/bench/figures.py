"""What was measured: a list of values for each name, one for each round."""

import statistics

KEPT = {"calls_per_second": "calls_per_second", "server_cpu_us_per_call": "cpu_us"}
KEPT_LATENCIES = {"p50": "p50_us", "p90": "p90_us", "p99": "p99_us", "p999": "p999_us"}


class Figures:
    """Names are `measurement/what/side/unit`, e.g. `reveal/64/vault/calls_per_second`."""

    def __init__(self):
        self.values = {}
        self.notes = []

    def add(self, name, value):
        self.values.setdefault(name, []).append(float(value))

    def note(self, text):
        if text not in self.notes:
            self.notes.append(text)

    def add_load(self, prefix, result, items=None, may_fail=False):
        """One run of the load generator. `items`: fields or records in one call."""
        for key, name in KEPT.items():
            if result.get(key) is not None:
                self.add(f"{prefix}/{name}", result[key])
        for key, name in KEPT_LATENCIES.items():
            if result["latency_us"].get(key) is not None:
                self.add(f"{prefix}/{name}", result["latency_us"][key])
        if items is not None:
            self.add(f"{prefix}/items_per_second", result["calls_per_second"] * items)
        failed = sum(result["failures"].values())
        if not may_fail and (failed or result["item_failures"]):
            self.note(f"{prefix}: {failed} of {result['calls']} calls failed {result['failures']}, "
                      f"{result['item_failures']} items failed")
        if not may_fail and result.get("late"):
            self.note(f"{prefix}: {result['late']} calls that were due were not made, as all "
                      "places were taken")

    def median(self, name):
        values = self.values.get(name)
        return statistics.median(values) if values else None

    def spread(self, name):
        """Half of largest minus smallest, as a share of the median."""
        values, median = self.values.get(name), self.median(name)
        if not values or len(values) < 2 or not median:
            return None
        return (max(values) - min(values)) / 2 / median

    def to_json(self):
        return {name: {"values": values, "median": self.median(name)}
                for name, values in sorted(self.values.items())}
