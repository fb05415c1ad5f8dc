#include "vault/state/request_sweeper.h"

#include <utility>
#include <vector>

#include "piivault/storage/v1/state.pb.h"
#include "vault/keys/sealed_row.h"

namespace piivault::vault {
namespace {

constexpr size_t kRowsAStep = 1000;

}  // namespace

absl::StatusOr<std::unique_ptr<storage::Commit>> RequestSweeper::Step(const KeySnapshot& keys,
                                                                      absl::Time now) {
  auto commit = std::make_unique<storage::Commit>();
  commit->as_of = engine_.AppliedSequence();
  commit->decided_at = absl::InfiniteFuture();
  const storage::Key prefix = storage::RequestPrefix();
  const std::string start = next_.empty() ? prefix.bytes : next_;
  next_.clear();
  size_t rows = 0;
  std::string last;
  const absl::Status scanned = engine_.Scan(
      prefix, start, kRowsAStep, [&](std::string_view key_bytes, std::string_view value) {
        ++rows;
        last = key_bytes;
        storage::Key key{prefix.table, std::string(key_bytes)};
        const auto row = OpenRow<storage::v1::RequestRow>(keys, key, value);
        if (row.ok() && absl::FromUnixMicros(row->message.expire_time_micros()) <= now) {
          commit->reads.push_back(storage::CellFingerprint(key));
          commit->writes.push_back({std::move(key), std::nullopt});
        }
        return true;
      });
  if (!scanned.ok()) return scanned;
  if (rows == kRowsAStep) next_ = last + '\0';
  if (commit->writes.empty()) return nullptr;
  return commit;
}

}  // namespace piivault::vault
