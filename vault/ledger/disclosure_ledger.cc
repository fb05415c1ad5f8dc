#include "vault/ledger/disclosure_ledger.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "vault/crypto/aead.h"
#include "vault/keys/sealed_row.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

using storage::v1::DisclosedRow;
using storage::v1::HoldingRow;

void SetBytes(std::string_view bytes, std::string* to) { to->assign(bytes.data(), bytes.size()); }

// What was given once stays in the row: another version, or on another consent, is one more.
DisclosedRow::Record& RecordIn(std::string_view record_ref, uint64_t version,
                               std::string_view consent, DisclosedRow* row) {
  for (DisclosedRow::Record& record : *row->mutable_records()) {
    if (record.record_ref() == record_ref && record.version() == version &&
        record.consent() == consent) {
      return record;
    }
  }
  DisclosedRow::Record& record = *row->add_records();
  SetBytes(record_ref, record.mutable_record_ref());
  record.set_version(version);
  SetBytes(consent, record.mutable_consent());
  return record;
}

void AddField(std::string_view field, DisclosedRow::Record* record) {
  const auto& fields = record->fields();
  if (std::find(fields.begin(), fields.end(), field) != fields.end()) return;
  record->add_fields(field.data(), field.size());
}

}  // namespace

absl::Status DisclosureLedger::Load(absl::Span<const ExportPerson> people) {
  std::vector<storage::Key> keys;
  std::vector<Staged*> owners;
  for (const ExportPerson& person : people) {
    if (!person.ok()) continue;
    const storage::Id128 ref = person.subject_ref();
    const auto [at, is_new] = people_.try_emplace(ref);
    if (!is_new) continue;
    at->second.holding = person.holding;
    keys.push_back(storage::DisclosedKey(tenant_.id(), disclosure_.id, ref));
    changes_.Read(keys.back());
    owners.push_back(&at->second);
  }
  absl::StatusOr<std::vector<std::optional<std::string>>> values = engine_.MultiGet(keys);
  if (!values.ok()) return values.status();
  for (size_t i = 0; i < keys.size(); ++i) {
    if (!(*values)[i].has_value()) continue;
    auto row = OpenVersionedRow<DisclosedRow>(tenant_.keys(), keys[i], *(*values)[i]);
    if (!row.ok()) return row.status();
    owners[i]->disclosed = *std::move(row);
  }
  return absl::OkStatus();
}

HoldingRow::Held& DisclosureLedger::Staged::HeldOf(std::string_view record_ref,
                                                   const std::string& field) {
  if (places.empty()) {
    for (int i = 0; i < holding.held_size(); ++i) {
      places[Concat({holding.held(i).record_ref(), holding.held(i).field()})] = i;
    }
  }
  const auto [at, is_new] = places.try_emplace(Concat({record_ref, field}), holding.held_size());
  if (!is_new) return *holding.mutable_held(at->second);
  HoldingRow::Held& held = *holding.add_held();
  SetBytes(record_ref, held.mutable_record_ref());
  held.set_field(field);
  return held;
}

std::string_view DisclosureLedger::Give(const ExportPerson& person,
                                        absl::Span<const GivenRecord> given) {
  Staged& staged = people_.at(person.subject_ref());
  HoldingRow& holding = staged.holding;
  if (holding.version() == 0 && holding.handle().empty()) {
    SetBytes(random_.Id128().view(), holding.mutable_handle());
    SetBytes(to_.recipient, holding.mutable_recipient());
  }
  if (staged.disclosed.version() == 0 && !staged.given) {
    ++new_people_;
    holding.set_disclosures(holding.disclosures() + 1);
  }
  staged.given = true;
  staged.disclosed.set_time_micros(absl::ToUnixMicros(now_));
  for (const GivenRecord& one : given) {
    const std::string_view ref = one.record->reader->record_ref();
    const uint64_t version = one.record->reader->version();
    DisclosedRow::Record& record = RecordIn(ref, version, one.consent, &staged.disclosed);
    SetBytes(one.record->type(), record.mutable_type());
    for (std::string_view field : one.fields) {
      AddField(field, &record);
      HoldingRow::Held& held = staged.HeldOf(ref, Concat({one.record->type(), ".", field}));
      held.set_version(version);
      held.set_outdated(false);
    }
  }
  return holding.handle();
}

void DisclosureLedger::Finish() {
  const auto begun = static_cast<uint64_t>(disclosure_.row.start_micros());
  for (auto& [ref, staged] : people_) {
    if (!staged.given) continue;
    if (staged.disclosed.version() == 0) {
      changes_.Put(storage::DisclosureOfSubjectKey(tenant_.id(), ref, begun, disclosure_.id), "");
    }
    staged.disclosed.set_version(staged.disclosed.version() + 1);
    PutVersioned(tenant_, random_, storage::DisclosedKey(tenant_.id(), disclosure_.id, ref),
                 staged.disclosed, &changes_);
    staged.holding.set_version(staged.holding.version() + 1);
    PutVersioned(tenant_, random_, storage::HoldingKey(tenant_.id(), ref, to_.ref), staged.holding,
                 &changes_);
    changes_.touches.push_back(HoldingsCell(tenant_, ref));
  }
}

}  // namespace piivault::vault
