#include "vault/ledger/notice_counter.h"

#include <memory>
#include <string_view>

#include "piivault/storage/v1/export.pb.h"
#include "vault/keys/sealed_row.h"

namespace piivault::vault {

using storage::v1::CorrectionNoticeRow;

absl::StatusOr<bool> NoticeCounter::Step() {
  const std::shared_ptr<const StateSnapshot> state = store_.snapshot();
  if (!counting_.has_value()) {
    counting_.emplace().as_of = now_();
    tenant_.clear();
    next_.clear();
  }
  const auto tenant = state->tenants().lower_bound(tenant_);
  if (tenant == state->tenants().end()) {
    absl::MutexLock lock(&mutex_);
    counts_ = *counting_;
    counting_.reset();
    return false;
  }
  if (tenant->first != tenant_) {
    tenant_ = tenant->first;
    next_.clear();
  }
  const absl::Status counted = CountSome(state->keys(), tenant->second->id);
  if (!counted.ok()) {
    counting_.reset();
    return counted;
  }
  return true;
}

absl::Status NoticeCounter::CountSome(const KeySnapshot& keys, storage::TenantId tenant) {
  const storage::Key prefix = storage::SharingPrefix(storage::SharingKind::kNotice, tenant);
  const std::string start = next_.empty() ? prefix.bytes : next_;
  const int64_t due = absl::ToUnixMicros(counting_->as_of);
  size_t seen = 0;
  const absl::Status scanned =
      engine_.Scan(prefix, start, step_rows_, [&](std::string_view key, std::string_view value) {
        ++seen;
        next_ = key;
        const absl::StatusOr<CorrectionNoticeRow> row = OpenVersionedRow<CorrectionNoticeRow>(
            keys, {storage::Table::kSharing, std::string(key)}, value);
        if (!row.ok() || row->acknowledge_micros() != 0) return true;
        ++counting_->open;
        if (row->due_micros() <= due) ++counting_->overdue;
        return true;
      });
  if (!scanned.ok()) return scanned;
  next_.push_back('\0');
  if (seen < step_rows_) tenant_.push_back('\0');
  return absl::OkStatus();
}

NoticeCounts NoticeCounter::counts() const {
  absl::MutexLock lock(&mutex_);
  return counts_;
}

}  // namespace piivault::vault
