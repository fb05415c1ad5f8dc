#include "ops/server/metrics.h"

#include <algorithm>
#include <utility>

#include "authz/reason.h"

namespace piivault::ops {
namespace {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;

const prometheus::Histogram::BucketBoundaries kLatencySeconds = {
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
    0.05,   0.1,     0.25,   0.5,   1,      2.5,   5,    30};
const prometheus::Histogram::BucketBoundaries kBatchSizes = {1,  2,   4,   8,   16,  32,
                                                             64, 128, 256, 512, 1024};

constexpr const char* kCodeNames[] = {
    "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
    "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
    "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED"};

double Seconds(absl::Duration duration) { return absl::ToDoubleSeconds(duration); }

// Seconds since the epoch; 0 where there is no such time.
double UnixSeconds(absl::Time time) {
  if (time == absl::InfiniteFuture() || time == absl::InfinitePast()) return 0;
  return absl::ToDoubleSeconds(time - absl::UnixEpoch());
}

std::string_view Outcome(authz::Reason reason) {
  if (reason == authz::Reason::kOk) return "granted";
  switch (authz::ReasonCode(reason)) {
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
      return "denied";
    default:
      return "failed";
  }
}

// Brings a counter to a total that is counted elsewhere.
void Raise(uint64_t total, prometheus::Counter* counter) {
  const double more = static_cast<double>(total) - counter->Value();
  if (more > 0) counter->Increment(more);
}

}  // namespace

Metrics::Metrics(const vault::MethodTable& methods, std::string_view version,
                 std::function<void(std::string_view event, const absl::Status& cause)> log)
    : requests_(BuildCounter()
                    .Name("piivault_requests_total")
                    .Help("Calls answered, by method and canonical code.")
                    .Register(registry_)),
      decisions_(BuildCounter()
                     .Name("piivault_decisions_total")
                     .Help("What was decided, by method, outcome and stable reason.")
                     .Register(registry_)),
      damaged_rows_(BuildCounter()
                        .Name("piivault_damaged_rows_total")
                        .Help("Rows passed over because they do not open or lead nowhere, by what "
                              "came upon them.")
                        .Register(registry_)),
      credential_verifications_(BuildCounter()
                                    .Name("piivault_credential_verifications_total")
                                    .Help("Credentials that were tried, by what came of it.")
                                    .Register(registry_)),
      rocksdb_(BuildGauge()
                   .Name("piivault_rocksdb_property")
                   .Help("Properties that RocksDB reports of itself.")
                   .Register(registry_)),
      log_(std::move(log)),
      in_flight_(AddGauge("piivault_calls_in_flight", "Calls between arrival and answer.")),
      shed_(AddCounter("piivault_calls_shed_total", "Calls turned away at arrival.")),
      commit_lost_(AddCounter("piivault_commits_lost_total",
                              "Commits not answered in time or with unknown outcome.")),
      connections_(AddCounter("piivault_connections_total", "TCP connections accepted.")),
      connections_refused_(
          AddCounter("piivault_connections_refused_total", "TCP connections over the cap.")),
      handshakes_(AddCounter("piivault_handshakes_total",
                             "TLS handshakes completed with a valid client certificate.")),
      conflicts_(AddCounter("piivault_commit_conflicts_total",
                            "Commits decided again because what they rested on had changed.")),
      commit_failures_(AddCounter("piivault_commit_failures_total", "Failed writes or syncs.")),
      reopens_(AddCounter("piivault_storage_reopens_total", "Times the database was reopened.")),
      commit_seconds_(BuildHistogram()
                          .Name("piivault_commit_seconds")
                          .Help("Write and sync of one batch.")
                          .Register(registry_)
                          .Add({}, kLatencySeconds)),
      batch_entries_(BuildHistogram()
                         .Name("piivault_commit_batch_entries")
                         .Help("Log entries in one batch.")
                         .Register(registry_)
                         .Add({}, kBatchSizes)),
      queue_depth_(AddGauge("piivault_commit_queue_depth", "Commits waiting.")),
      log_entries_(AddGauge("piivault_log_entries", "Size of the log's current generation.")),
      last_commit_(AddGauge("piivault_last_commit_timestamp_seconds", "Time of the last commit.")),
      available_(AddGauge("piivault_storage_available", "1 while commits are taken.")),
      active_epoch_(AddGauge("piivault_active_epoch", "Key epoch that new writes use.")),
      rewrap_backlog_(
          AddGauge("piivault_rewrap_backlog", "Rows that a rotation has still to re-wrap.")),
      index_rebuilds_(
          AddGauge("piivault_index_rebuilds",
                   "Tenants whose indexes are being brought to what their policy wants.")),
      indexed_records_(AddCounter("piivault_indexed_records_total",
                                  "Records that were gone over to rebuild indexes.")),
      failing_erasures_(AddGauge("piivault_failing_erasures",
                                 "Erased persons with rows that could not be removed yet.")),
      certificate_expiry_(AddGauge("piivault_server_certificate_expiry_timestamp_seconds",
                                   "End of the server's certificate; 0 if unknown.")),
      attestation_expiry_(AddGauge("piivault_next_attestation_expiry_timestamp_seconds",
                                   "Earliest end of an attestation in force; 0 if none ends.")),
      oldest_proposal_(AddGauge("piivault_oldest_open_proposal_timestamp_seconds",
                                "When the oldest open proposal was made; 0 if none is open.")),
      break_glass_(AddCounter("piivault_break_glass_total",
                              "Times that a break-glass role was taken, as the vault keeps them.")),
      break_glass_active_(AddGauge("piivault_break_glass_active", "Break-glass roles that hold.")),
      break_glass_unreviewed_(AddGauge("piivault_break_glass_unreviewed",
                                       "Uses of break-glass roles that wait for their review.")),
      notices_open_(AddGauge("piivault_correction_notices_open",
                             "Notices of corrections that no recipient has acknowledged.")),
      notices_overdue_(AddGauge("piivault_correction_notices_overdue",
                                "Of these, that recipients should have acknowledged by now.")),
      notices_counted_(AddGauge("piivault_correction_notices_counted_timestamp_seconds",
                                "As of when notices were counted last; 0 before.")),
      sharing_rows_dropped_(
          AddCounter("piivault_sharing_rows_dropped_total",
                     "Rows of tokens and of the ledger that need not be kept any more.")),
      fields_destroyed_(AddCounter("piivault_retention_fields_destroyed_total",
                                   "Fields whose time was over and that went by themselves.")),
      fields_waiting_(AddGauge("piivault_retention_fields_waiting",
                               "Fields whose time was over and that waited for an approval, as of "
                               "the last look at all records.")),
      free_bytes_(AddGauge("piivault_free_bytes", "Free bytes where the database is.")),
      keyring_missing_(
          AddGauge("piivault_keyring_copies_missing", "Keyring copies missing or out of date.")) {
  auto& latency = BuildHistogram()
                      .Name("piivault_request_seconds")
                      .Help("From arrival to answer, by method.")
                      .Register(registry_);
  auto& again = BuildCounter()
                    .Name("piivault_decided_again_total")
                    .Help("Messages decided again after a conflict, by method.")
                    .Register(registry_);
  const auto add = [&](const std::string& name) {
    auto metrics = std::make_unique<MethodMetrics>();
    metrics->name = name;
    metrics->by_reason = std::vector<std::atomic<prometheus::Counter*>>(authz::ReasonCount());
    metrics->latency = &latency.Add({{"method", name}}, kLatencySeconds);
    metrics->decided_again = &again.Add({{"method", name}});
    method_metrics_.push_back(std::move(metrics));
    by_name_[name] = method_metrics_.back().get();
    return method_metrics_.back().get();
  };
  for (const vault::MethodInfo& method : methods.methods()) add(method.name);
  unknown_ = add("unknown");
  BuildGauge()
      .Name("piivault_build_info")
      .Help("1, with the version as label.")
      .Register(registry_)
      .Add({{"version", std::string(version)}})
      .Set(1);
}

prometheus::Gauge& Metrics::AddGauge(const std::string& name, const std::string& help) {
  return BuildGauge().Name(name).Help(help).Register(registry_).Add({});
}

prometheus::Counter& Metrics::AddCounter(const std::string& name, const std::string& help) {
  return BuildCounter().Name(name).Help(help).Register(registry_).Add({});
}

Metrics::MethodMetrics* Metrics::Find(std::string_view method) {
  const auto found = by_name_.find(absl::string_view(method.data(), method.size()));
  return found == by_name_.end() ? unknown_ : found->second;
}

void Metrics::CallFinished(std::string_view method, absl::StatusCode code, authz::Reason reason,
                           absl::Duration latency) {
  MethodMetrics& metrics = *Find(method);
  const int number = std::clamp(static_cast<int>(code), 0, kCodes - 1);
  prometheus::Counter* by_code = metrics.by_code[number].load(std::memory_order_acquire);
  if (by_code == nullptr) {
    // Two threads get the same counter: a family keeps one for each set of labels.
    by_code = &requests_.Add({{"method", metrics.name}, {"code", kCodeNames[number]}});
    metrics.by_code[number].store(by_code, std::memory_order_release);
  }
  by_code->Increment();
  auto& slot = metrics.by_reason[static_cast<size_t>(reason)];
  prometheus::Counter* by_reason = slot.load(std::memory_order_acquire);
  if (by_reason == nullptr) {
    by_reason = &decisions_.Add({{"method", metrics.name},
                                 {"outcome", std::string(Outcome(reason))},
                                 {"reason", std::string(authz::ReasonName(reason))}});
    slot.store(by_reason, std::memory_order_release);
  }
  by_reason->Increment();
  metrics.latency->Observe(Seconds(latency));
}

void Metrics::InFlight(int change) { in_flight_.Increment(change); }
void Metrics::CallShed() { shed_.Increment(); }
void Metrics::DecidedAgain(std::string_view method) { Find(method)->decided_again->Increment(); }
void Metrics::CommitLost() { commit_lost_.Increment(); }
void Metrics::ConnectionAccepted() { connections_.Increment(); }
void Metrics::ConnectionRefused() { connections_refused_.Increment(); }
void Metrics::HandshakeCompleted() { handshakes_.Increment(); }

void Metrics::RowDamaged(const std::string& where) {
  damaged_rows_.Add({{"where", where}}).Increment();
}

void Metrics::CredentialTried(std::string_view outcome) {
  credential_verifications_.Add({{"outcome", std::string(outcome)}}).Increment();
}

void Metrics::OnBatch(const storage::BatchReport& report) {
  commit_seconds_.Observe(Seconds(report.write_time));
  batch_entries_.Observe(static_cast<double>(report.entries));
  conflicts_.Increment(static_cast<double>(report.conflicts));
}

void Metrics::OnFailure(const absl::Status& cause) {
  commit_failures_.Increment();
  if (log_) log_("storage failed", cause);
}

void Metrics::OnReopen(const absl::Status& result) {
  reopens_.Increment();
  if (log_) log_("storage reopened", result);
}

void Metrics::Refresh() const {
  if (!reader_) return;
  const GaugeReadings now = reader_();
  queue_depth_.Set(static_cast<double>(now.engine.queue_depth));
  log_entries_.Set(static_cast<double>(now.log_entries));
  last_commit_.Set(UnixSeconds(now.engine.last_commit));
  available_.Set(now.engine.available ? 1 : 0);
  active_epoch_.Set(now.active_epoch);
  rewrap_backlog_.Set(static_cast<double>(now.rewrap_backlog));
  index_rebuilds_.Set(static_cast<double>(now.index_rebuilds));
  Raise(now.indexed_records, &indexed_records_);
  failing_erasures_.Set(static_cast<double>(now.failing_erasures));
  certificate_expiry_.Set(UnixSeconds(now.server_certificate_expiry));
  attestation_expiry_.Set(UnixSeconds(now.next_attestation_expiry));
  oldest_proposal_.Set(UnixSeconds(now.oldest_open_proposal));
  // Kept with the state, so that a restart loses none; never fewer.
  Raise(now.break_glass_total, &break_glass_);
  break_glass_active_.Set(static_cast<double>(now.break_glass_active));
  break_glass_unreviewed_.Set(static_cast<double>(now.break_glass_unreviewed));
  notices_open_.Set(static_cast<double>(now.notices.open));
  notices_overdue_.Set(static_cast<double>(now.notices.overdue));
  notices_counted_.Set(UnixSeconds(now.notices.as_of));
  Raise(now.sharing_rows_dropped, &sharing_rows_dropped_);
  Raise(now.fields_destroyed, &fields_destroyed_);
  fields_waiting_.Set(static_cast<double>(now.fields_waiting));
  free_bytes_.Set(static_cast<double>(now.free_bytes));
  keyring_missing_.Set(now.keyring_copies_missing);
  for (const auto& [property, value] : now.rocksdb) {
    rocksdb_.Add({{"property", property}}).Set(value);
  }
}

std::vector<prometheus::MetricFamily> Metrics::Collect() const {
  Refresh();
  return registry_.Collect();
}

}  // namespace piivault::ops
