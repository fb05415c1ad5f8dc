// `piivault bench`: how fast a vault is.

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ops/cli/arguments.h"
#include "ops/cli/bench_report.h"
#include "ops/cli/commands.h"
#include "ops/cli/exit_code.h"
#include "ops/cli/failure.h"
#include "ops/cli/interrupt.h"
#include "ops/cli/response_recorder.h"
#include "ops/load/data_table.h"
#include "ops/load/load_generator.h"
#include "ops/load/request_source.h"
#include "ops/load/request_template.h"
#include "ops/pki/files.h"

namespace piivault::ops {
namespace {

constexpr char kHelp[] =
    R"(--request is the method's request in JSON. In its strings {COLUMN} stands for a cell of --data,
of a row drawn anew for each request, {n} for a number that no other request has, {{ and }} for
braces. With --repeat the one element of a repeated field stands N times, each copy with a row
and a number of its own; outside of it stands what the first copy has.

A closed loop (--in-flight) tells how many calls a second there can be; an open loop (--rate)
how long they take at that load, from the time each was due. Reads are decided and logged as
anybody's are, and writes are stored: use a tenant that is made for it. Failures are counted by
their reason; failed items of batches in each 64th response only, so that the client leaves the
processor to the server.

Examples:
  piivault bench BatchCreateRecords --repeat records=100 --calls 100 --in-flight 4 \
    --request '{"parent": "tenants/default", "usage": {"purpose": "self_service"},
      "records": [{"type": "reader", "fields": {"email": "r{n}@example.com"},
      "provenance": {"channel": "import", "front_hop": "FRONT_HOP_TLS"}}]}' \
    --save names.tsv --column name=results.name --column email=results.tokens.email
  piivault bench RevealRecord --data names.tsv --request '{"name": "{name}",
    "fields": ["email"], "usage": {"purpose": "self_service"}}'

Exit codes: 0 calls succeeded and none failed, unless it was shed (RESOURCE_EXHAUSTED); 3 others
failed too; where none succeeded, the code of their failure.)";

struct BenchFlags {
  std::string method;
  std::string request;
  std::string repeat;
  std::string data;
  std::string save;
  std::vector<std::string> columns;
  std::string save_response;
  int connections = 4;
  double seconds = 10;
  std::optional<double> warm_up;
  bool json = false;
  RequestSource::Options source;
  LoadOptions load;
};

absl::StatusOr<const google::protobuf::MethodDescriptor*> FindMethod(const std::string& name) {
  const google::protobuf::ServiceDescriptor* service =
      v1::RevealRecordRequest::descriptor()->file()->FindServiceByName("VaultService");
  const google::protobuf::MethodDescriptor* method = service->FindMethodByName(name);
  if (method != nullptr && !method->client_streaming()) return method;
  std::string all;
  for (int i = 0; i < service->method_count(); ++i) {
    absl::StrAppend(&all, i == 0 ? "" : ", ", service->method(i)->name());
  }
  return absl::InvalidArgumentError(absl::StrCat("METHOD is one of ", all));
}

absl::StatusOr<std::optional<RequestTemplate::Repeat>> ReadRepeat(const std::string& text) {
  if (text.empty()) return std::optional<RequestTemplate::Repeat>();
  const size_t equals = text.rfind('=');
  RequestTemplate::Repeat repeat;
  if (equals == std::string::npos || !absl::SimpleAtoi(text.substr(equals + 1), &repeat.copies) ||
      repeat.copies < 1) {
    return absl::InvalidArgumentError("--repeat takes FIELD=N");
  }
  repeat.field = text.substr(0, equals);
  return std::make_optional(std::move(repeat));
}

// Connections of their own, not channels that share one.
absl::StatusOr<std::vector<std::shared_ptr<grpc::Channel>>> OpenChannels(const Session& session,
                                                                         int count) {
  absl::StatusOr<Profile> profile = session.ResolveProfile();
  if (!profile.ok()) return profile.status();
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  for (int i = 0; i < count; ++i) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetInt("piivault.bench.connection", i);
    absl::StatusOr<std::shared_ptr<grpc::Channel>> channel = OpenChannel(*profile, arguments);
    if (!channel.ok()) return channel.status();
    channels.push_back(*std::move(channel));
  }
  return channels;
}

std::string ReasonOf(const grpc::Status& status) {
  const absl::Status failure = FromGrpc(status);
  const std::optional<FailureDetail> detail = DetailOf(failure);
  if (detail.has_value() && !detail->reason.empty()) return detail->reason;
  return absl::StatusCodeToString(failure.code());
}

// Calls that were shed are what an overload is about; other failures mean that something else was
// measured than was meant.
int ExitCodeFor(const LoadResult& result) {
  const LoadFailures* worst = nullptr;
  for (const auto& [reason, failures] : result.failures) {
    const bool shed = failures.first.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED;
    if (result.ok > 0 && shed) continue;
    if (worst == nullptr || failures.count > worst->count) worst = &failures;
  }
  if (worst == nullptr) return result.ok > 0 ? kExitOk : kExitError;
  return result.ok > 0 ? kExitPartial : ExitCodeOf(FromGrpc(worst->first));
}

absl::StatusOr<std::optional<DataTable>> ReadData(const std::string& path) {
  if (path.empty()) return std::optional<DataTable>();
  absl::StatusOr<std::string> text = ReadFile(path);
  if (!text.ok()) return text.status();
  absl::StatusOr<DataTable> table = DataTable::Parse(*std::move(text));
  if (!table.ok()) return table.status();
  return std::make_optional(*std::move(table));
}

LoadHooks HooksFor(Session& session, ResponseRecorder& recorder) {
  LoadHooks hooks{.reason = ReasonOf,
                  .on_message = [&](const grpc::ByteBuffer& m) { recorder.Record(m); },
                  .progress = nullptr};
  if (session.err_is_terminal()) {
    hooks.progress = [&](const LoadProgress& progress) {
      session.err() << "\r" << progress.ok << " OK, " << progress.failed << " failed" << std::flush;
    };
  }
  return hooks;
}

absl::Status Complete(const Session& session, BenchFlags* flags) {
  flags->connections = std::min(flags->connections, flags->load.in_flight);
  if (flags->load.threads > flags->connections) {
    return absl::InvalidArgumentError("there cannot be more --threads than connections and calls");
  }
  flags->load.window = absl::Seconds(flags->seconds);
  flags->load.warm_up = absl::Seconds(flags->warm_up.value_or(flags->load.calls > 0 ? 0 : 1));
  flags->load.timeout = absl::Seconds(session.flags.timeout_seconds);
  return absl::OkStatus();
}

absl::StatusOr<int> Bench(Session& session, BenchFlags flags) {
  const InterruptMask mask;  // before gRPC has threads
  if (absl::Status status = Complete(session, &flags); !status.ok()) return status;
  auto method = FindMethod(flags.method);
  if (!method.ok()) return method.status();
  auto repeat = ReadRepeat(flags.repeat);
  if (!repeat.ok()) return repeat.status();
  auto data = ReadData(flags.data);
  if (!data.ok()) return data.status();
  absl::StatusOr<std::string> json = ReadValue(session, flags.request);
  if (!json.ok()) return json.status();
  const DataTable* table = data->has_value() ? &**data : nullptr;
  auto requests = RequestTemplate::Create(*json, *(*method)->input_type(), table, *repeat);
  if (!requests.ok()) return requests.status();
  auto recorder = ResponseRecorder::Open(*(*method)->output_type(), flags.save, flags.columns,
                                         flags.save_response);
  if (!recorder.ok()) return recorder.status();
  auto channels = OpenChannels(session, flags.connections);
  if (!channels.ok()) return channels.status();

  flags.load.path = absl::StrCat("/", (*method)->service()->full_name(), "/", (*method)->name());
  flags.load.streaming = (*method)->server_streaming();
  RequestSource source(&*requests, table == nullptr ? 0 : table->rows(), flags.source);
  LoadGenerator generator(flags.load, *std::move(channels), &source, HooksFor(session, **recorder));
  absl::StatusOr<LoadResult> result = [&] {
    const OnInterrupt stop([&] { generator.Stop(); });
    return generator.Run();
  }();
  if (session.err_is_terminal()) session.err() << "\n";
  if (!result.ok()) return result.status();
  if (absl::Status status = (*recorder)->Close(); !status.ok()) return status;

  const BenchReport report{
      .method = flags.method,
      .connections = flags.connections,
      .in_flight = flags.load.in_flight,
      .rate = flags.load.rate,
      .failed_items = (*recorder)->failed_items(),
      .next_n = requests->has_number() ? std::make_optional(source.next_number()) : std::nullopt,
      .result = *std::move(result)};
  flags.json || session.json() ? PrintBenchReportJson(report, session.out())
                               : PrintBenchReport(report, session.out());
  return ExitCodeFor(report.result);
}

void AddRequestFlags(CLI::App& command, BenchFlags* flags) {
  command.add_option("METHOD", flags->method, "Method of VaultService, e.g. RevealRecord")
      ->required();
  command.add_option("--request", flags->request, "Its request as JSON; @FILE reads a file")
      ->required();
  command.add_option("--repeat", flags->repeat,
                     "FIELD=N: the one element of this field stands N times (names.names=100)");
  command.add_option("--data", flags->data,
                     "Tab-separated values; the first line names the columns");
  command.add_flag("--in-order", flags->source.in_order, "Rows in their order, not at random");
  command.add_option("--seed", flags->source.seed, "Of the random rows")->capture_default_str();
  command.add_option("--first", flags->source.first, "The first {n}")->capture_default_str();
}

void AddLoadFlags(CLI::App& command, BenchFlags* flags) {
  command.add_option("--connections", flags->connections, "Connections; not more than calls")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  command
      .add_option("--in-flight", flags->load.in_flight,
                  "Calls under way at once; with --rate at most so many")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command.add_option("--rate", flags->load.rate, "Open loop: calls a second, at fixed times")
      ->check(CLI::Range(0.001, 1e6));
  auto* seconds = command.add_option("--seconds", flags->seconds, "How long to measure")
                      ->check(CLI::Range(0.001, 1e6))
                      ->capture_default_str();
  command.add_option("--calls", flags->load.calls, "So many calls, however long they take")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 40))
      ->excludes(seconds);
  command
      .add_option("--warm-up", flags->warm_up,
                  "Seconds before that are not measured (1; 0 with --calls)")
      ->check(CLI::Range(0.0, 1e6));
  command.add_option("--threads", flags->load.threads, "Threads of the client")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  command.add_option("--server-pid", flags->load.server,
                     "The vault's process on this machine: its CPU time is measured");
}

}  // namespace

void AddBenchCommand(CLI::App& root, Session& session) {
  auto flags = std::make_shared<BenchFlags>();
  CLI::App* command = AddCommand(root, "bench", "Measures how fast the vault answers a method",
                                 session, [flags](Session& s) { return Bench(s, *flags); });
  command->footer(kHelp);
  AddRequestFlags(*command, flags.get());
  AddLoadFlags(*command, flags.get());
  command->add_option("--save", flags->save,
                      "Tab-separated file of columns of the responses, a line for each item");
  command->add_option("--column", flags->columns,
                      "NAME=PATH, e.g. name=results.name, email=results.tokens.email");
  command->add_option("--save-response", flags->save_response, "File for the first response");
  command->add_flag("--json", flags->json, "One JSON object instead of the table");
}

}  // namespace piivault::ops
