#include "vault/records/record_writer.h"

#include <algorithm>
#include <utility>

#include "vault/keys/blind_index.h"
#include "vault/keys/record_codec.h"
#include "vault/keys/tokens.h"
#include "vault/records/credential_failures.h"
#include "vault/state/state_snapshot.h"
#include "vault/values/dates.h"

namespace piivault::vault {

using storage::v1::FieldHeader;

namespace {

// No matter is about the record any longer.
void ForgetInMatters(const storage::Id128& record, storage::v1::SubjectUse* use) {
  for (storage::v1::MatterRow& matter : *use->mutable_matters()) {
    auto& ids = *matter.mutable_records();
    ids.erase(std::remove(ids.begin(), ids.end(), record.view()), ids.end());
  }
}

}  // namespace

const FieldWrite* RecordChange::WriteOf(std::string_view name) const {
  const auto write = std::find_if(set.begin(), set.end(), [name](const FieldWrite& candidate) {
    return candidate.field->name == name;
  });
  return write == set.end() ? nullptr : &*write;
}

bool RecordChange::Clears(std::string_view name, bool credential) const {
  if (std::find(clear.begin(), clear.end(), name) != clear.end()) return true;
  return clear_others && !credential && WriteOf(name) == nullptr;
}

// One field of the version that is being made.
struct RecordWriter::PreparedField {
  FieldHeader header;
  std::string_view value;
  SecretBytes kept;              // owns the value that an update carries over
  std::vector<FieldTerm> terms;  // to index; empty for a value that is carried over

  std::string_view bytes() const { return kept.empty() ? value : kept.view(); }
};

absl::StatusOr<RecordWriter::StagedPerson*> RecordWriter::PersonFor(
    const std::optional<storage::Id128>& id, authz::Reason* reason) {
  if (!id.has_value()) {
    SubjectState subject = NewSubject(deps_.random, now_);
    const storage::Id128 key = subject.id;
    return &persons_.emplace(key, StagedPerson{std::move(subject)}).first->second;
  }
  auto found = persons_.find(*id);
  if (found == persons_.end()) {
    absl::StatusOr<std::optional<SubjectState>> subject =
        LoadSubject(deps_.engine, tenant_, *id, &changes_);
    if (absl::IsDataLoss(subject.status())) {
      *reason = authz::Reason::kDataLoss;
      return nullptr;
    }
    if (!subject.ok()) return subject.status();
    if (!subject->has_value() || (*subject)->erased()) {
      *reason = subject->has_value() ? authz::Reason::kSubjectErased : authz::Reason::kNotFound;
      return nullptr;
    }
    if ((*subject)->row.use().erase_micros() != 0) {
      // What is left of this one is what a law keeps.
      *reason = authz::Reason::kSubjectErased;
      return nullptr;
    }
    found = persons_.emplace(*id, StagedPerson{**std::move(subject)}).first;
  }
  return &found->second;
}

absl::StatusOr<const SubjectState*> RecordWriter::Person(const storage::Id128& id,
                                                         authz::Reason* reason) {
  absl::StatusOr<StagedPerson*> person = PersonFor(id, reason);
  if (!person.ok()) return person.status();
  return *person == nullptr ? nullptr : &(*person)->state;
}

RecordWriter::StagedPerson& RecordWriter::Changed(const LoadedRecord& record) {
  StagedPerson& person =
      persons_.emplace(record.identity.subject, StagedPerson{record.subject}).first->second;
  if (!person.changed) person.state.row.set_version(person.state.row.version() + 1);
  person.changed = true;
  return person;
}

void RecordWriter::ForgetBirthday(const LoadedRecord& record, std::string_view value) {
  const storage::v1::SubjectRow& row = record.subject.row;
  const std::optional<absl::CivilDay> day = ParseDay(value);
  if (!row.use().has_birth_day() || day != DayOfNumber(row.use().birth_day())) return;
  Changed(record).state.row.mutable_use()->clear_birth_day();
}

RecordWriter::PreparedField RecordWriter::Prepare(const FieldWrite& write,
                                                  const FieldHeader* before, uint64_t version) {
  PreparedField field;
  field.value = write.value;
  const KeyClass key_class = KeyClassOf(write.field->important);
  field.terms = IndexTerms(deps_.rules, write.field->full_name,
                           tenant_.indexes().Find(write.field->full_name), write.value, key_class);
  field.header.set_name(write.field->name);
  field.header.set_important(write.field->important);
  field.header.set_flagged(write.flagged);
  field.header.set_one_way(write.one_way);
  if (write.field->history != 0) {
    field.header.set_since_version(version);
  }
  if (write.field->history != 0 || write.field->dated) {
    field.header.set_since_micros(absl::ToUnixMicros(now_));
  }
  switch (write.field->token) {
    case authz::TokenMode::kNone:
      break;
    case authz::TokenMode::kRandom: {
      const bool keep = before != nullptr &&
                        before->token_kind() == storage::v1::TOKEN_KIND_RANDOM &&
                        before->token().size() == storage::Id128::kSize;
      if (keep) field.header.set_token(before->token());
      field.header.set_token_kind(storage::v1::TOKEN_KIND_RANDOM);
      break;
    }
    case authz::TokenMode::kDeterministic: {
      absl::StatusOr<SecretBytes> normalised =
          deps_.rules.NormalizeForSearch(write.field->semantic, write.value);
      if (!normalised.ok()) break;  // not UTF-8: validation has refused it
      SetToken(DeterministicToken(tenant_.active(), write.field->audience, write.field->full_name,
                                  normalised->view(), key_class),
               storage::v1::TOKEN_KIND_DETERMINISTIC, &field.header);
      break;
    }
  }
  return field;
}

absl::StatusOr<RecordWriter::PreparedField> RecordWriter::CarryOver(LoadedRecord* record,
                                                                    const FieldHeader& old) {
  PreparedField field;
  field.header = old;
  absl::StatusOr<SecretBytes> value = record->reader->DecryptField(old);
  if (!value.ok()) return value.status();
  field.kept = *std::move(value);
  return field;
}

absl::Status RecordWriter::Store(std::vector<PreparedField>* fields, const EarlierValues& earlier,
                                 const LoadedRecord* before, WriteResult* result) {
  std::vector<std::string_view> values;
  values.reserve(fields->size());
  for (PreparedField& field : *fields) {
    *result->header.add_fields() = std::move(field.header);
    values.push_back(field.bytes());
  }
  std::vector<std::string_view> earlier_values;
  earlier_values.reserve(earlier.values.size());
  for (size_t i = 0; i < earlier.values.size(); ++i) {
    *result->header.add_earlier() = earlier.headers[i];
    earlier_values.push_back(earlier.values[i].view());
  }
  GiveRandomTokens(&result->header);
  const RecordIdentity& id = result->identity;
  absl::StatusOr<EncryptedRecord> encrypted =
      EncryptRecord(tenant_.keys(), deps_.random, id, result->header.version(), &result->header,
                    values, earlier_values);
  if (!encrypted.ok()) return encrypted.status();
  result->digest = encrypted->digest;
  changes_.Put(storage::RecordKey(id.tenant, id.subject, id.record), std::move(encrypted->row));
  changes_.Put(storage::WrapKey(id.tenant, id.subject, id.record, result->header.version()),
               std::move(encrypted->wrap_row));
  // All of them each time: a row that somebody took away is there again after an update.
  const std::set<storage::TokenHandle> handles = HandlesOf(result->header);
  for (const storage::TokenHandle& handle : handles) {
    changes_.Put(storage::TokenHandleKey(id.tenant, handle),
                 storage::TokenHandleValue({id.subject, id.record}));
  }
  if (before == nullptr) return absl::OkStatus();
  for (const storage::TokenHandle& handle : HandlesOf(before->header())) {
    if (!handles.contains(handle)) changes_.Delete(storage::TokenHandleKey(id.tenant, handle));
  }
  return absl::OkStatus();
}

absl::StatusOr<WriteResult> RecordWriter::Create(const RecordDraft& draft) {
  WriteResult result;
  // Checks first, so that a record that is refused leaves nothing staged.
  if (!draft.ref.empty()) {
    absl::StatusOr<authz::Reason> reason = TakeRef(draft.type->name, draft.ref);
    if (!reason.ok()) return reason.status();
    if ((result.reason = *reason) != authz::Reason::kOk) return result;
  }
  std::vector<PreparedField> fields;
  fields.reserve(draft.fields.size());
  for (const FieldWrite& write : draft.fields) {
    fields.push_back(Prepare(write, nullptr, 1));
    if (!write.field->unique || fields.back().terms.empty()) continue;
    absl::StatusOr<authz::Reason> reason =
        TakeUnique(*write.field, write.value, fields.back().terms.front(), nullptr);
    if (!reason.ok()) return reason.status();
    if ((result.reason = *reason) != authz::Reason::kOk) {
      result.field = write.field;
      return result;
    }
  }
  absl::StatusOr<StagedPerson*> person = PersonFor(draft.subject, &result.reason);
  if (!person.ok()) return person.status();
  if (*person == nullptr) return result;

  SubjectState& subject = (*person)->state;
  result.identity = {tenant_.id(), subject.id, deps_.random.Id128()};
  result.subject_ref = subject.row.subject_ref();
  storage::v1::RecordHeader& header = result.header;
  header.set_type(draft.type->name);
  header.set_version(1);
  const storage::Id128 record_ref = deps_.random.Id128();
  header.set_record_ref(record_ref.bytes.data(), record_ref.bytes.size());
  header.set_ref(draft.ref.data(), draft.ref.size());
  header.set_notice(draft.notice.data(), draft.notice.size());
  *header.mutable_provenance() = draft.provenance;
  header.set_controller(draft.controller.data(), draft.controller.size());
  header.set_created_micros(absl::ToUnixMicros(now_));
  header.set_updated_micros(header.created_micros());
  if (absl::Status status = Store(&fields, {}, nullptr, &result); !status.ok()) return status;

  for (size_t i = 0; i < fields.size(); ++i) {
    PutToken(result.identity, header.fields(static_cast<int>(i)));
    PutTerms(result.identity, fields[i].terms);
    if (draft.fields[i].field->unique && !fields[i].terms.empty()) {
      taken_.insert(fields[i].terms.front().Digest(tenant_.active()));
    }
  }
  changes_.Put(storage::TypeIndexKey(tenant_.id(), draft.type->name, result.identity.subject,
                                     result.identity.record),
               "");
  if (!draft.ref.empty()) {
    const storage::IndexDigest digest =
        RefIndexDigest(tenant_.active(), draft.type->name, draft.ref);
    taken_.insert(digest);
    changes_.Put(storage::BlindIndexKey(tenant_.id(), tenant_.active().epoch, digest,
                                        result.identity.subject, result.identity.record),
                 "");
  }
  (*person)->changed = true;
  subject.row.set_version(subject.row.version() + 1);
  // An earlier birthday than the one that is known takes an update of the record that says so.
  if (draft.born.has_value()) {
    storage::v1::SubjectUse& use = *subject.row.mutable_use();
    const int32_t day = NumberOfDay(*draft.born);
    if (!use.has_birth_day() || use.birth_day() < day) use.set_birth_day(day);
  }
  changes_.Retain(result.subject_ref, header.record_ref(), 1, &result.digest, nullptr);
  return result;
}

absl::StatusOr<WriteResult> RecordWriter::Update(LoadedRecord* record, const RecordChange& change) {
  WriteResult result;
  result.identity = record->identity;
  result.subject_ref = record->subject.row.subject_ref();
  const storage::RecordLocator self = record->locator();
  const uint64_t old_version = record->reader->version();

  std::vector<PreparedField> fields;
  for (const FieldWrite& write : change.set) {
    fields.push_back(Prepare(write, record->reader->FindField(write.field->name), old_version + 1));
    if (!write.field->unique || fields.back().terms.empty()) continue;
    absl::StatusOr<authz::Reason> reason =
        TakeUnique(*write.field, write.value, fields.back().terms.front(), &self);
    if (!reason.ok()) return reason.status();
    if ((result.reason = *reason) != authz::Reason::kOk) {
      result.field = write.field;
      return result;
    }
  }
  absl::StatusOr<EarlierValues> earlier = PlanEarlierValues(policy_, record, change, now_);
  if (!earlier.ok()) return earlier.status();
  if (!earlier->ok()) {
    result.reason = earlier->reason;
    result.field = earlier->field;
    return result;
  }
  const size_t written = fields.size();
  for (const FieldHeader& old : record->header().fields()) {
    if (old.absent()) continue;
    const FieldWrite* const write = change.WriteOf(old.name());
    if (write == nullptr && !change.Clears(old.name(), old.one_way())) {
      absl::StatusOr<PreparedField> field = CarryOver(record, old);
      if (!field.ok()) return field.status();
      fields.push_back(*std::move(field));
      continue;
    }
    PreparedField* const now =
        write == nullptr ? nullptr : &fields[static_cast<size_t>(write - change.set.data())];
    absl::Status status = DeleteOldTerms(record, old, now == nullptr ? nullptr : &now->terms);
    if (!status.ok()) return status;
    if (now == nullptr || now->header.token() != old.token()) DeleteToken(result.identity, old);
    if (now == nullptr) {
      PreparedField field;
      field.header.set_name(old.name());
      field.header.set_absent(true);
      fields.push_back(std::move(field));
    } else if (std::find(earlier->unchanged.begin(), earlier->unchanged.end(), old.name()) !=
               earlier->unchanged.end()) {
      now->header.set_since_version(old.since_version());
      now->header.set_since_micros(old.since_micros());
    }
  }

  storage::v1::RecordHeader& header = result.header;
  header = record->header();
  header.clear_fields();
  header.clear_earlier();
  header.set_version(old_version + 1);
  header.set_updated_micros(absl::ToUnixMicros(now_));
  if (change.forget_ref) {
    DeleteRef(result.identity, header);
    header.clear_ref();
  }
  if (change.new_provenance) {
    *header.mutable_provenance() = change.provenance;
    if (!change.notice.empty()) header.set_notice(change.notice.data(), change.notice.size());
  }
  if (absl::Status status = Store(&fields, *earlier, record, &result); !status.ok()) return status;
  for (size_t i = 0; i < written; ++i) {
    const FieldHeader& field = header.fields(static_cast<int>(i));
    const FieldHeader* old = record->reader->FindField(field.name());
    if (old == nullptr || old->token() != field.token()) PutToken(result.identity, field);
    // A term that stays the same may have its row under an older epoch, or none yet where the
    // policy began to index the field: the new row is right in each case.
    PutTerms(result.identity, fields[i].terms);
  }
  if (change.born.has_value()) {
    Changed(*record).state.row.mutable_use()->set_birth_day(NumberOfDay(*change.born));
  }
  changes_.Delete(storage::WrapKey(tenant_.id(), self.subject, self.record, old_version));
  const Sha256Digest before = RecordDigest(record->row);
  changes_.Retain(result.subject_ref, header.record_ref(), header.version(), &result.digest,
                  &before);
  return result;
}

void RecordWriter::DeleteRef(const RecordIdentity& id, const storage::v1::RecordHeader& header) {
  if (header.ref().empty()) return;
  for (const TenantKeys* keys : tenant_.indexed()) {
    changes_.Delete(storage::BlindIndexKey(id.tenant, keys->epoch,
                                           RefIndexDigest(*keys, header.type(), header.ref()),
                                           id.subject, id.record));
  }
}

absl::Status RecordWriter::Delete(LoadedRecord* record) {
  const RecordIdentity& id = record->identity;
  const storage::v1::RecordHeader& header = record->header();
  // First: they are known also where a field does not open and its person is erased all the same.
  for (const storage::TokenHandle& handle : HandlesOf(header)) {
    changes_.Delete(storage::TokenHandleKey(id.tenant, handle));
  }
  for (const FieldHeader& field : header.fields()) {
    if (field.absent()) continue;
    absl::Status status = DeleteOldTerms(record, field, nullptr);
    if (!status.ok()) return status;
    DeleteToken(id, field);
  }
  DeleteRef(id, header);
  changes_.Delete(storage::TypeIndexKey(id.tenant, header.type(), id.subject, id.record));
  changes_.Delete(storage::WrapKey(id.tenant, id.subject, id.record, header.version()));
  changes_.Delete(storage::RecordKey(id.tenant, id.subject, id.record));
  const Sha256Digest before = RecordDigest(record->row);
  changes_.Retain(record->subject.row.subject_ref(), header.record_ref(), 0, nullptr, &before);
  SubjectState& person = Changed(*record).state;
  if (person.row.has_use()) {
    ForgetFailures(id.record, person.row.mutable_use());
    ForgetInMatters(id.record, person.row.mutable_use());
  }
  return absl::OkStatus();
}

storage::v1::SubjectUse& RecordWriter::ChangeUse(const LoadedRecord& record) {
  StagedPerson& person = Changed(record);
  person.use_changed = true;
  return *person.state.row.mutable_use();
}

void RecordWriter::Finish() {
  // Nothing is wrapped or indexed under an epoch that was not the active one at the commit.
  changes_.reads.push_back(EpochCell());
  for (const auto& [id, person] : persons_) {
    if (person.changed) PutSubject(tenant_, deps_.random, person.state, &changes_);
    if (!person.use_changed) continue;
    const storage::v1::SubjectRow& row = person.state.row;
    changes_.Retain(row.subject_ref(), {}, row.version(), nullptr, nullptr);
  }
  persons_.clear();
}

}  // namespace piivault::vault
