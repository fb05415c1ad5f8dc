#include "vault/records/credential_failures.h"

#include <algorithm>
#include <limits>
#include <string>

namespace piivault::vault {
namespace {

using storage::v1::CredentialFailuresRow;
using storage::v1::SubjectUse;

constexpr absl::Duration kGivesWayAfter = absl::Hours(24);

bool Is(const CredentialFailuresRow& row, const storage::Id128& record, std::string_view field) {
  return row.record() == record.view() && row.field() == field;
}

const CredentialFailuresRow* Find(const SubjectUse& use, const storage::Id128& record,
                                  std::string_view field) {
  for (const CredentialFailuresRow& row : use.credential_failures()) {
    if (Is(row, record, field)) return &row;
  }
  return nullptr;
}

absl::Time GivesWay(const CredentialFailuresRow& row) {
  return absl::FromUnixMicros(row.last_micros()) + kGivesWayAfter;
}

// When there is a place for one more.
absl::Time PlaceFrom(const SubjectUse& use) {
  if (use.credential_failures_size() < kMaxCountedCredentials) return absl::InfinitePast();
  absl::Time from = absl::InfiniteFuture();
  for (const CredentialFailuresRow& row : use.credential_failures()) {
    from = std::min(from, GivesWay(row));
  }
  return from;
}

template <typename Which>
void Remove(SubjectUse* use, Which which) {
  auto& rows = *use->mutable_credential_failures();
  rows.erase(std::remove_if(rows.begin(), rows.end(), which), rows.end());
}

}  // namespace

absl::Time LockedUntil(const SubjectUse& use, const storage::Id128& record, std::string_view field,
                       const authz::CredentialRule& rule, absl::Time now) {
  const CredentialFailuresRow* const row = Find(use, record, field);
  absl::Time until = absl::InfinitePast();
  if (row == nullptr) {
    until = PlaceFrom(use);
  } else if (row->failures() >= rule.attempts) {
    until = absl::FromUnixMicros(row->last_micros()) + rule.lock;
  }
  return now < until ? until : absl::InfinitePast();
}

void CountFailure(const storage::Id128& record, std::string_view field, absl::Time now,
                  SubjectUse* use) {
  auto& rows = *use->mutable_credential_failures();
  auto found = std::find_if(rows.begin(), rows.end(),
                            [&](const auto& row) { return Is(row, record, field); });
  if (found == rows.end()) {
    if (rows.size() >= kMaxCountedCredentials) {
      Remove(use, [now](const auto& row) { return GivesWay(row) <= now; });
    }
    CredentialFailuresRow& row = *rows.Add();
    row.set_record(std::string(record.view()));
    row.set_field(std::string(field));
    found = rows.end() - 1;
  }
  if (found->failures() < std::numeric_limits<uint32_t>::max()) {
    found->set_failures(found->failures() + 1);
  }
  found->set_last_micros(absl::ToUnixMicros(now));
}

bool HasFailures(const SubjectUse& use, const storage::Id128& record, std::string_view field) {
  return Find(use, record, field) != nullptr;
}

void ForgetFailures(const storage::Id128& record, std::string_view field, SubjectUse* use) {
  Remove(use, [&](const auto& row) { return Is(row, record, field); });
}

void ForgetFailures(const storage::Id128& record, SubjectUse* use) {
  Remove(use, [&](const auto& row) { return row.record() == record.view(); });
}

}  // namespace piivault::vault
