#include "vault/ledger/corrections.h"

#include <algorithm>
#include <utility>

#include "piivault/storage/v1/export.pb.h"
#include "vault/crypto/aead.h"
#include "vault/keys/sealed_row.h"

namespace piivault::vault {
namespace {

using storage::v1::CorrectionNoticeRow;
using storage::v1::HoldingRow;

// Numbers of piivault.v1.CorrectionKind.
constexpr int kChanged = 1;
constexpr int kWithdrawn = 2;

// Recipients of one person, at most: more than there are recipients of a tenant.
constexpr size_t kMaxHolders = 10'000;

// What the words of a promise to tell past recipients come to, at the latest.
absl::Duration TimeToAnswer(std::string_view word) {
  if (word == "immediate") return absl::Hours(24);
  if (word == "promptly") return absl::Hours(3 * 24);
  return absl::Hours(7 * 24);  // without_delay
}

}  // namespace

struct Corrections::Holder {
  storage::Key key;
  storage::Id128 recipient_ref;
  HoldingRow row;
};

absl::StatusOr<std::vector<Corrections::Holder>> Corrections::Holders(
    const storage::Id128& subject_ref, bool skip_damaged) {
  changes_.reads.push_back(HoldingsCell(tenant_, subject_ref));
  const storage::Key prefix = storage::HoldingPrefix(tenant_.id(), subject_ref);
  std::vector<Holder> holders;
  absl::Status opened;
  const absl::Status scanned = engine_.Scan(
      prefix, prefix.bytes, kMaxHolders, [&](std::string_view key, std::string_view value) {
        storage::Key whole{storage::Table::kSharing, std::string(key)};
        changes_.Read(whole);
        auto row = OpenVersionedRow<HoldingRow>(tenant_.keys(), whole, value);
        opened = row.status();
        if (!opened.ok()) {
          if (!skip_damaged) return false;
          opened = absl::OkStatus();
          return true;
        }
        holders.push_back({std::move(whole), storage::IdSuffix(key), *std::move(row)});
        return true;
      });
  if (!scanned.ok()) return scanned;
  if (!opened.ok()) return opened;
  return holders;
}

std::optional<absl::Duration> Corrections::NoticeTime(std::string_view field) const {
  const authz::FieldId id = policy_.FindField(field);
  std::optional<absl::Duration> time;
  for (const authz::RightSpec& right : policy_.rights()) {
    if (right.notify_past_recipients.empty()) continue;
    const bool about = right.fields.empty() || std::find(right.fields.begin(), right.fields.end(),
                                                         id) != right.fields.end();
    if (!about) continue;
    const absl::Duration its = TimeToAnswer(right.notify_past_recipients);
    time = std::min(time.value_or(its), its);
  }
  return time;
}

void Corrections::Notify(const Holder& holder, const std::vector<size_t>& held, uint64_t version,
                         bool withdrawn) {
  CorrectionNoticeRow row;
  std::optional<absl::Duration> due;
  for (const size_t i : held) {
    const HoldingRow::Held& one = holder.row.held(static_cast<int>(i));
    const std::optional<absl::Duration> time = NoticeTime(one.field());
    if (!time.has_value()) continue;
    due = std::min(due.value_or(*time), *time);
    CorrectionNoticeRow::Field& field = *row.add_fields();
    field.set_name(one.field());
    field.set_held_version(one.version());
  }
  if (!due.has_value()) return;
  row.set_version(1);
  row.set_recipient(holder.row.recipient());
  row.set_handle(holder.row.handle());
  row.set_subject_ref(std::string(storage::LocatorSuffix(holder.key.bytes).subject.view()));
  row.set_record_version(version);
  row.set_kind(withdrawn ? kWithdrawn : kChanged);
  // Two recipients of the same write are not to know it by the microsecond.
  const absl::Time hour = absl::UnixEpoch() + absl::Floor(now_ - absl::UnixEpoch(), absl::Hours(1));
  row.set_create_micros(absl::ToUnixMicros(hour));
  row.set_due_micros(absl::ToUnixMicros(hour + *due));
  PutVersioned(
      tenant_, random_,
      storage::NoticeKey(tenant_.id(), holder.recipient_ref, NoticeId(row.create_micros())), row,
      &changes_);
}

// By their time, so that the oldest come first.
storage::Id128 Corrections::NoticeId(int64_t micros) {
  storage::Id128 id = random_.Id128();
  for (size_t i = 0; i < sizeof(micros); ++i) {
    id.bytes[i] = static_cast<uint8_t>(micros >> (8 * (sizeof(micros) - 1 - i)));
  }
  return id;
}

void Corrections::Store(Holder* holder) {
  holder->row.set_version(holder->row.version() + 1);
  PutVersioned(tenant_, random_, holder->key, holder->row, &changes_);
}

absl::Status Corrections::Record(const storage::Id128& subject_ref, const Change& change) {
  absl::StatusOr<std::vector<Holder>> holders = Holders(subject_ref, false);
  if (!holders.ok()) return holders.status();
  for (Holder& holder : *holders) {
    std::vector<size_t> changed;
    std::vector<size_t> withdrawn;
    for (int i = 0; i < holder.row.held_size(); ++i) {
      HoldingRow::Held& held = *holder.row.mutable_held(i);
      if (held.record_ref() != change.record_ref) continue;
      const absl::StatusOr<bool> is = change.changed(held.field(), held.version());
      if (!is.ok()) return is.status();
      if (!*is) continue;
      held.set_outdated(true);
      (change.withdrawn(held.field()) ? withdrawn : changed).push_back(static_cast<size_t>(i));
    }
    if (changed.empty() && withdrawn.empty()) continue;
    Notify(holder, changed, change.version, false);
    Notify(holder, withdrawn, change.version, true);
    Store(&holder);
  }
  return absl::OkStatus();
}

absl::Status Corrections::Withdraw(
    const storage::Id128& subject_ref,
    absl::FunctionRef<bool(std::string_view record_ref, std::string_view field)> gone) {
  // No destruction waits for a row that does not open.
  absl::StatusOr<std::vector<Holder>> holders = Holders(subject_ref, true);
  if (!holders.ok()) return holders.status();
  for (Holder& holder : *holders) {
    std::vector<size_t> withdrawn;
    for (int i = 0; i < holder.row.held_size(); ++i) {
      HoldingRow::Held& held = *holder.row.mutable_held(i);
      if (!gone(held.record_ref(), held.field())) continue;
      held.set_outdated(true);
      withdrawn.push_back(static_cast<size_t>(i));
    }
    if (withdrawn.empty()) continue;
    Notify(holder, withdrawn, 0, true);
    Store(&holder);
  }
  return absl::OkStatus();
}

}  // namespace piivault::vault
