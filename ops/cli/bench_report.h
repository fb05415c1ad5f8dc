#ifndef PIIVAULT_OPS_CLI_BENCH_REPORT_H_
#define PIIVAULT_OPS_CLI_BENCH_REPORT_H_

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>

#include "ops/load/load_generator.h"

namespace piivault::ops {

// What `bench` tells of a run.
struct BenchReport {
  std::string method;
  int connections = 0;
  int in_flight = 0;
  double rate = 0;                // of an open loop, else 0
  int64_t failed_items = 0;       // of each 64th response
  std::optional<int64_t> next_n;  // where the request has a {n}
  LoadResult result;
};

// As a table for people, with the unit of each figure.
void PrintBenchReport(const BenchReport& report, std::ostream& out);
// As one JSON object on one line; times in microseconds.
void PrintBenchReportJson(const BenchReport& report, std::ostream& out);

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_CLI_BENCH_REPORT_H_
