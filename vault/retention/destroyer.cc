#include "vault/retention/destroyer.h"

#include <algorithm>
#include <optional>

#include "vault/ledger/corrections.h"
#include "vault/text.h"

namespace piivault::vault {

absl::StatusOr<uint64_t> Destroyer::Destroy(LoadedRecord* record,
                                            absl::Span<const std::string_view> fields,
                                            bool forget_ref) {
  auto& gone = gone_[record->subject.row.subject_ref()];
  for (const std::string_view field : fields) {
    gone.emplace(record->header().record_ref(), Concat({record->type(), ".", field}));
  }
  if (fields.size() >= CountValues(*record)) {
    const absl::Status deleted = writer_.Delete(record);
    if (!deleted.ok()) return deleted;
    return uint64_t{0};
  }
  RecordChange change;
  change.clear.assign(fields.begin(), fields.end());
  change.forget_ref = forget_ref;
  // What is left of it and kept by law keeps its past.
  static_cast<void>(ApplyHolds(policy_, *record, now_, &change));
  const absl::StatusOr<WriteResult> written = writer_.Update(record, change);
  if (!written.ok()) return written.status();
  if (!written->ok()) return authz::ReasonStatus(written->reason);
  return written->header.version();
}

absl::StatusOr<Destroyer::Rest> Destroyer::DestroyAllButHeld(LoadedRecord* record) {
  Rest rest;
  rest.held = HeldFields(policy_, *record, now_);
  rest.version = record->reader->version();
  for (const storage::v1::FieldHeader& field : record->header().fields()) {
    const bool keep = std::any_of(rest.held.begin(), rest.held.end(),
                                  [&](const auto& one) { return one.field->name == field.name(); });
    if (!field.absent() && !keep) rest.destroyed.push_back(field.name());
  }
  const bool clean = rest.destroyed.empty() && record->header().ref().empty();
  if (clean && !rest.held.empty()) return rest;
  const absl::StatusOr<uint64_t> version = Destroy(record, rest.destroyed, true);
  if (!version.ok()) return version.status();
  rest.version = *version;
  return rest;
}

absl::Status Destroyer::Finish() {
  Corrections corrections(deps_.engine, tenant_, deps_.random, policy_, now_, &changes_);
  for (const auto& of_person : gone_) {
    const std::optional<storage::Id128> ref = storage::Id128::FromBytes(of_person.first);
    if (!ref.has_value()) return authz::ReasonStatus(authz::Reason::kDataLoss);
    const absl::Status told =
        corrections.Withdraw(*ref, [&](std::string_view record, std::string_view field) {
          return of_person.second.contains({std::string(record), std::string(field)});
        });
    if (!told.ok()) return told;
  }
  gone_.clear();
  writer_.Finish();
  return absl::OkStatus();
}

}  // namespace piivault::vault
