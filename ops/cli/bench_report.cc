#include "ops/cli/bench_report.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "ops/cli/response_recorder.h"
#include "ops/cli/text.h"

namespace piivault::ops {
namespace {

double Micros(uint64_t nanos) { return static_cast<double>(nanos) / 1e3; }

double PerSecond(const LoadResult& result) {
  return static_cast<double>(result.ok) / std::max(result.seconds, 1e-9);
}

double PerCall(double total, int64_t calls) {
  return total / static_cast<double>(std::max<int64_t>(calls, 1));
}

std::string Quoted(const std::string& text) {
  google::protobuf::Value value;
  value.set_string_value(text);
  std::string json;
  return google::protobuf::util::MessageToJsonString(value, &json).ok() ? json : "\"\"";
}

std::string TimesJson(const LatencyHistogram& times) {
  return absl::StrFormat(R"({"mean":%.1f,"p50":%.1f,"p90":%.1f,"p99":%.1f,"p999":%.1f,"max":%.1f})",
                         times.Mean() / 1e3, Micros(times.Quantile(0.5)),
                         Micros(times.Quantile(0.9)), Micros(times.Quantile(0.99)),
                         Micros(times.Quantile(0.999)), Micros(times.max()));
}

std::vector<std::string> TimesRow(const std::string& name, const LatencyHistogram& times) {
  std::vector<std::string> row = {name, absl::StrFormat("%.3f", times.Mean() / 1e6)};
  for (double q : {0.5, 0.9, 0.99, 0.999}) {
    row.push_back(absl::StrFormat("%.3f", static_cast<double>(times.Quantile(q)) / 1e6));
  }
  row.push_back(absl::StrFormat("%.3f", static_cast<double>(times.max()) / 1e6));
  return row;
}

}  // namespace

void PrintBenchReport(const BenchReport& report, std::ostream& out) {
  const LoadResult& result = report.result;
  out << report.method << ", "
      << (report.rate > 0 ? absl::StrFormat("%g calls a second, at most %d in flight", report.rate,
                                            report.in_flight)
                          : absl::StrFormat("%d in flight", report.in_flight))
      << ", " << report.connections << " connections, " << absl::StrFormat("%.1f s", result.seconds)
      << "\n\n";
  std::vector<std::vector<std::string>> rows = {
      {"OK", absl::StrCat(result.ok)}, {"OK a second", absl::StrFormat("%.0f", PerSecond(result))}};
  for (const auto& [reason, failures] : result.failures) {
    rows.push_back({EscapeForTerminal(reason), absl::StrCat(failures.count)});
  }
  if (report.rate > 0) rows.push_back({"not made: none free", absl::StrCat(result.late)});
  if (report.failed_items > 0) {
    rows.push_back(
        {absl::StrCat("failed items in every ", ResponseRecorder::kParseEvery, "th response"),
         absl::StrCat(report.failed_items)});
  }
  if (result.server_cpu_micros.has_value()) {
    rows.push_back({"server CPU us a call",
                    absl::StrFormat("%.1f", PerCall(*result.server_cpu_micros, result.calls))});
  }
  rows.push_back(
      {"bytes a response",
       absl::StrFormat("%.0f", PerCall(static_cast<double>(result.response_bytes), result.ok))});
  PrintTable({"calls", absl::StrCat(result.calls)}, rows, out);
  if (result.ok == 0) return;
  out << "\n";
  std::vector<std::vector<std::string>> times = {TimesRow("of OK calls", result.latency)};
  if (report.rate > 0) times.push_back(TimesRow("begun after due", result.lag));
  PrintTable({"milliseconds", "mean", "p50", "p90", "p99", "p99.9", "max"}, times, out);
}

void PrintBenchReportJson(const BenchReport& report, std::ostream& out) {
  const LoadResult& result = report.result;
  std::vector<std::string> failures;
  for (const auto& [reason, failure] : result.failures) {
    failures.push_back(absl::StrCat(Quoted(reason), ":", failure.count));
  }
  out << absl::StrFormat(
             R"({"method":%s,"connections":%d,"in_flight":%d,"rate":%g,"seconds":%.3f,)",
             Quoted(report.method), report.connections, report.in_flight, report.rate,
             result.seconds)
      << absl::StrFormat(R"("calls":%d,"ok":%d,"calls_per_second":%.1f,"failures":{%s},)",
                         result.calls, result.ok, PerSecond(result), absl::StrJoin(failures, ","))
      << absl::StrFormat(R"("item_failures":%d,"latency_us":%s,)", report.failed_items,
                         TimesJson(result.latency));
  if (report.rate > 0) {
    out << absl::StrFormat(R"("late":%d,"lag_us":%s,)", result.late, TimesJson(result.lag));
  }
  if (result.server_cpu_micros.has_value()) {
    out << absl::StrFormat(R"("server_cpu_us_per_call":%.2f,)",
                           PerCall(*result.server_cpu_micros, result.calls));
  }
  if (report.next_n.has_value()) out << absl::StrFormat(R"("next_n":%d,)", *report.next_n);
  out << absl::StrFormat(R"("response_bytes":%.1f})",
                         PerCall(static_cast<double>(result.response_bytes), result.ok))
      << "\n";
}

}  // namespace piivault::ops
