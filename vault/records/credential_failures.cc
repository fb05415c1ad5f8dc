#include "vault/records/credential_failures.h"

#include <algorithm>
#include <limits>
#include <string>

namespace piivault::vault {
namespace {

using storage::v1::CredentialFailuresRow;
using storage::v1::SubjectUse;

constexpr absl::Duration kKeptFor = absl::Hours(24);

bool IsShared(const CredentialFailuresRow& row) { return row.record().empty(); }

bool Is(const CredentialFailuresRow& row, const storage::Id128& record, std::string_view field) {
  return row.record() == record.view() && row.field() == field;
}

template <typename Which>
const CredentialFailuresRow* Find(const SubjectUse& use, Which which) {
  const auto& rows = use.credential_failures();
  const auto found = std::find_if(rows.begin(), rows.end(), which);
  return found == rows.end() ? nullptr : &*found;
}

// The row that a credential is judged by: its own, or else the shared one; null where neither is.
const CredentialFailuresRow* FindFor(const SubjectUse& use, const storage::Id128& record,
                                     std::string_view field) {
  const CredentialFailuresRow* const own =
      Find(use, [&](const auto& row) { return Is(row, record, field); });
  return own != nullptr ? own : Find(use, IsShared);
}

template <typename Which>
void Remove(SubjectUse* use, Which which) {
  auto& rows = *use->mutable_credential_failures();
  rows.erase(std::remove_if(rows.begin(), rows.end(), which), rows.end());
}

bool HasPlace(const SubjectUse& use) {
  const auto& rows = use.credential_failures();
  return std::count_if(rows.begin(), rows.end(), [](const auto& row) { return !IsShared(row); }) <
         kMaxCountedCredentials;
}

// The row to count in: the credential's own, a new one of its own, or the shared one.
CredentialFailuresRow* RowFor(const storage::Id128& record, std::string_view field, absl::Time now,
                              SubjectUse* use) {
  const auto gives_way = [now](const CredentialFailuresRow& row) {
    return absl::FromUnixMicros(row.last_micros()) + kKeptFor <= now &&
           absl::FromUnixMicros(row.lock_end_micros()) <= now;
  };
  auto& rows = *use->mutable_credential_failures();
  const auto own = std::find_if(rows.begin(), rows.end(),
                                [&](const auto& row) { return Is(row, record, field); });
  if (own != rows.end()) return &*own;
  Remove(use, [&](const auto& row) { return IsShared(row) && gives_way(row); });
  if (!HasPlace(*use)) Remove(use, gives_way);
  const auto shared = std::find_if(rows.begin(), rows.end(), IsShared);
  const bool place = HasPlace(*use);
  if (!place && shared != rows.end()) return &*shared;
  // What the shared row has counted may have been of this credential: it does not begin anew.
  const uint32_t before = shared == rows.end() ? 0 : shared->failures();
  CredentialFailuresRow& row = *rows.Add();
  if (place) {
    row.set_record(std::string(record.view()));
    row.set_field(std::string(field));
  }
  row.set_failures(before);
  return &row;
}

}  // namespace

absl::Time LockedUntil(const SubjectUse& use, const storage::Id128& record, std::string_view field,
                       const authz::CredentialRule& rule, absl::Time now) {
  const CredentialFailuresRow* const row = FindFor(use, record, field);
  if (row == nullptr || row->failures() < rule.attempts) return absl::InfinitePast();
  const absl::Time until = absl::FromUnixMicros(row->last_micros()) + rule.lock;
  return now < until ? until : absl::InfinitePast();
}

void CountFailure(const storage::Id128& record, std::string_view field,
                  const authz::CredentialRule& rule, absl::Time now, SubjectUse* use) {
  CredentialFailuresRow& row = *RowFor(record, field, now, use);
  if (row.failures() < std::numeric_limits<uint32_t>::max()) row.set_failures(row.failures() + 1);
  row.set_last_micros(absl::ToUnixMicros(now));
  // Also before it is locked: in the shared row the next failure may be of another rule.
  row.set_lock_end_micros(std::max(row.lock_end_micros(), absl::ToUnixMicros(now + rule.lock)));
}

bool HasFailures(const SubjectUse& use, const storage::Id128& record, std::string_view field) {
  return Find(use, [&](const auto& row) { return Is(row, record, field); }) != nullptr;
}

void ForgetFailures(const storage::Id128& record, std::string_view field, SubjectUse* use) {
  Remove(use, [&](const auto& row) { return Is(row, record, field); });
}

void ForgetFailures(const storage::Id128& record, SubjectUse* use) {
  Remove(use, [&](const auto& row) { return row.record() == record.view(); });
}

}  // namespace piivault::vault
