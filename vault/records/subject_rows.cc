#include "vault/records/subject_rows.h"

#include "absl/status/status.h"
#include "vault/keys/sealed_row.h"

namespace piivault::vault {

SubjectState NewSubject(RandomSource& random, absl::Time now) {
  SubjectState subject;
  subject.id = random.Id128();
  const storage::Id128 ref = random.Id128();
  subject.row.set_subject_ref(ref.bytes.data(), ref.bytes.size());
  subject.row.set_time_micros(absl::ToUnixMicros(now));
  return subject;
}

absl::StatusOr<SubjectState> OpenSubject(const TenantScope& tenant, const storage::Id128& id,
                                         std::string_view value) {
  absl::StatusOr<storage::v1::SubjectRow> row = OpenVersionedRow<storage::v1::SubjectRow>(
      tenant.keys(), storage::SubjectKey(tenant.id(), id), value);
  if (!row.ok()) return row.status();
  return SubjectState{id, *std::move(row)};
}

absl::StatusOr<std::optional<SubjectState>> LoadSubject(const storage::Engine& engine,
                                                        const TenantScope& tenant,
                                                        const storage::Id128& id,
                                                        ChangeSet* changes) {
  const storage::Key key = storage::SubjectKey(tenant.id(), id);
  changes->Read(key);
  absl::StatusOr<std::string> value = engine.Get(key);
  if (absl::IsNotFound(value.status())) return std::nullopt;
  if (!value.ok()) return value.status();
  absl::StatusOr<SubjectState> subject = OpenSubject(tenant, id, *value);
  if (!subject.ok()) return subject.status();
  return *std::move(subject);
}

int32_t NumberOfDay(absl::CivilDay day) {
  return static_cast<int32_t>(day - absl::CivilDay(1970, 1, 1));
}

absl::CivilDay DayOfNumber(int32_t number) { return absl::CivilDay(1970, 1, 1) + number; }

void PutSubject(const TenantScope& tenant, RandomSource& random, const SubjectState& subject,
                ChangeSet* changes) {
  storage::Key key = storage::SubjectKey(tenant.id(), subject.id);
  std::string value = SealRow(tenant.keys(), random, key, subject.row.version(), subject.row);
  changes->Put(std::move(key), std::move(value));
}

}  // namespace piivault::vault
