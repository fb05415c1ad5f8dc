#ifndef PIIVAULT_OPS_SERVER_METRICS_H_
#define PIIVAULT_OPS_SERVER_METRICS_H_

#include <prometheus/collectable.h>
#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "storage/engine_options.h"
#include "vault/ledger/notice_counter.h"
#include "vault/service/method_table.h"
#include "vault/service/observer.h"

namespace piivault::ops {

// What is read at each scrape rather than counted.
struct GaugeReadings {
  storage::EngineStats engine;
  uint64_t log_entries = 0;
  uint32_t active_epoch = 0;
  uint64_t rewrap_backlog = 0;
  uint64_t failing_erasures = 0;
  uint64_t index_rebuilds = 0;   // tenants whose indexes are being rebuilt
  uint64_t indexed_records = 0;  // gone over for that since the start
  absl::Time server_certificate_expiry = absl::InfiniteFuture();
  absl::Time next_attestation_expiry = absl::InfiniteFuture();
  absl::Time oldest_open_proposal = absl::InfiniteFuture();  // infinite: none is open
  uint64_t break_glass_total = 0;       // uses of break-glass roles there ever were
  uint64_t break_glass_active = 0;      // of these, that hold
  uint64_t break_glass_unreviewed = 0;  // of these, that are over and not reviewed
  vault::NoticeCounts notices;
  uint64_t sharing_rows_dropped = 0;  // by SharingSweeper since the start
  uint64_t fields_destroyed = 0;      // by RetentionSweeper since the start
  uint64_t fields_waiting = 0;        // that were due and waited for approval at its last pass
  int64_t free_bytes = 0;
  int keyring_copies_missing = 0;
  std::map<std::string, double> rocksdb;  // property name (letters, digits, `-`, `.`) -> value
};

// Every metric of the server, in one place. Labels come from closed sets: methods, reasons, codes.
//
// Ownership: owns the registry. `methods` must outlive it. Thread-safe.
class Metrics : public vault::Observer,
                public storage::EngineObserver,
                public prometheus::Collectable {
 public:
  Metrics(const vault::MethodTable& methods, std::string_view version,
          std::function<void(std::string_view event, const absl::Status& cause)> log);

  // Called at each scrape, on the endpoint's thread. Set once, before the first scrape.
  void SetReader(std::function<GaugeReadings()> reader) { reader_ = std::move(reader); }

  void CallFinished(std::string_view method, absl::StatusCode code, authz::Reason reason,
                    absl::Duration latency) override;
  void InFlight(int change) override;
  void CallShed() override;
  void DecidedAgain(std::string_view method) override;
  void CommitLost() override;
  void ConnectionAccepted() override;
  void ConnectionRefused() override;
  void HandshakeCompleted() override;

  // A row that does not open or leads nowhere was passed over; `where`: "rotation", "erasure",
  // "indexes", "sharing" or "list".
  void RowDamaged(const std::string& where);
  // `outcome`: "verified", "failed", "locked" or "must_change".
  void CredentialTried(std::string_view outcome);

  void OnBatch(const storage::BatchReport& report) override;
  void OnFailure(const absl::Status& cause) override;
  void OnReopen(const absl::Status& result) override;

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  static constexpr int kCodes = 17;

  // Counters of one method, found without a lock once they exist.
  struct MethodMetrics {
    std::string name;
    std::atomic<prometheus::Counter*> by_code[kCodes] = {};
    std::vector<std::atomic<prometheus::Counter*>> by_reason;
    prometheus::Histogram* latency = nullptr;
    prometheus::Counter* decided_again = nullptr;
  };

  MethodMetrics* Find(std::string_view method);
  prometheus::Gauge& AddGauge(const std::string& name, const std::string& help);
  prometheus::Counter& AddCounter(const std::string& name, const std::string& help);
  void Refresh() const;

  prometheus::Registry registry_;
  prometheus::Family<prometheus::Counter>& requests_;
  prometheus::Family<prometheus::Counter>& decisions_;
  prometheus::Family<prometheus::Counter>& damaged_rows_;
  prometheus::Family<prometheus::Counter>& credential_verifications_;
  prometheus::Family<prometheus::Gauge>& rocksdb_;
  std::vector<std::unique_ptr<MethodMetrics>> method_metrics_;
  absl::flat_hash_map<std::string, MethodMetrics*> by_name_;
  MethodMetrics* unknown_ = nullptr;
  std::function<GaugeReadings()> reader_;
  const std::function<void(std::string_view, const absl::Status&)> log_;

  prometheus::Gauge& in_flight_;
  prometheus::Counter& shed_;
  prometheus::Counter& commit_lost_;
  prometheus::Counter& connections_;
  prometheus::Counter& connections_refused_;
  prometheus::Counter& handshakes_;
  prometheus::Counter& conflicts_;
  prometheus::Counter& commit_failures_;
  prometheus::Counter& reopens_;
  prometheus::Histogram& commit_seconds_;
  prometheus::Histogram& batch_entries_;
  prometheus::Gauge& queue_depth_;
  prometheus::Gauge& log_entries_;
  prometheus::Gauge& last_commit_;
  prometheus::Gauge& available_;
  prometheus::Gauge& active_epoch_;
  prometheus::Gauge& rewrap_backlog_;
  prometheus::Gauge& index_rebuilds_;
  prometheus::Counter& indexed_records_;
  prometheus::Gauge& failing_erasures_;
  prometheus::Gauge& certificate_expiry_;
  prometheus::Gauge& attestation_expiry_;
  prometheus::Gauge& oldest_proposal_;
  prometheus::Counter& break_glass_;
  prometheus::Gauge& break_glass_active_;
  prometheus::Gauge& break_glass_unreviewed_;
  prometheus::Gauge& notices_open_;
  prometheus::Gauge& notices_overdue_;
  prometheus::Gauge& notices_counted_;
  prometheus::Counter& sharing_rows_dropped_;
  prometheus::Counter& fields_destroyed_;
  prometheus::Gauge& fields_waiting_;
  prometheus::Gauge& free_bytes_;
  prometheus::Gauge& keyring_missing_;
};

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_SERVER_METRICS_H_
