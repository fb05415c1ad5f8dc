#include "vault/service/sharing_package.h"

#include "vault/service/admin_convert.h"
#include "vault/service/resource_name.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

using Response = v1::RedeemExportTokenResponse;

}  // namespace

void AddPurposeTag(const VaultCall& call, const RecipientState& recipient,
                   const authz::ShareDecision& decision, const storage::v1::ExportTokenRow& row,
                   const DisclosureState& disclosure, WireWriter* out) {
  const authz::RecipientSpec& rule = *decision.rule;
  v1::PurposeTag tag;
  tag.set_disclosure(MakeDisclosureName(call.tenant_id(), disclosure.id));
  tag.set_controller(call.session().tenant()->row.display_name());
  tag.set_recipient(recipient.recipient.name);
  tag.set_purpose(row.purpose());
  if (const authz::PurposeSpec* purpose = call.policy().FindPurpose(row.purpose());
      purpose != nullptr) {
    for (const auto& [language, text] : purpose->labels) {
      (*tag.mutable_purpose_labels())[language] = text;
    }
  }
  tag.set_basis(row.basis());
  tag.set_rule(row.rule());
  tag.set_clause(rule.origin.clause);
  for (const char* term : {"PURPOSE_ONLY", "NO_ONWARD_SHARING", "CORRECT_ON_NOTICE"}) {
    tag.add_terms(term);
  }
  if (rule.basis == "entrustment" || rule.basis == "instruction") {
    tag.add_terms("RETURN_OR_DESTROY");
  }
  if (decision.attestation != nullptr) {
    for (const auto& attestation : recipient.row.attestations()) {
      if (!decision.attestation->id.ends_with(Concat({"/", attestation.id()}))) continue;
      tag.set_agreement_sha256(ToHex(attestation.document_sha256()));
    }
  }
  *tag.mutable_fields() = row.fields();
  tag.set_subjects(row.subjects());
  FillTime(disclosure.row.start_micros(), tag.mutable_start_time());
  out->AddBytes(Response::kTagFieldNumber, tag.SerializeAsString());
}

absl::StatusOr<bool> ReleaseRecord(const VaultCall& call, const ExportAsk& ask,
                                   LoadedRecord* record, std::vector<std::string_view>* names,
                                   WireWriter* out) {
  // An entry of a map has its key as field 1 and its value as field 2.
  constexpr int kMapKey = 1;
  constexpr int kMapValue = 2;
  const size_t before = out->size();
  const size_t revealed = out->Open(v1::DisclosedSubject::kRecordsFieldNumber);
  out->AddBytes(v1::RevealedRecord::kTypeFieldNumber, record->type());
  out->AddVarint(v1::RevealedRecord::kVersionFieldNumber, record->reader->version());
  for (const authz::FieldId id : ask.Find(call.policy().FindType(record->type()))->fields) {
    const std::string& name = call.policy().field(id).name;
    const size_t entry_begin = out->size();
    const size_t entry = out->Open(v1::RevealedRecord::kFieldsFieldNumber);
    out->AddBytes(kMapKey, name);
    authz::FieldDecision plain;
    plain.field = id;
    plain.view = authz::View::kPlain;
    const absl::StatusOr<bool> released = ReleaseField(call, plain, record, kMapValue, out);
    if (!released.ok()) return released.status();
    if (*released) {
      out->Close(entry);
      names->push_back(name);
    } else {
      out->Truncate(entry_begin);
    }
  }
  out->Close(revealed);
  if (names->empty()) out->Truncate(before);
  return !names->empty();
}

void AddWhatBinds(const VaultCall& call, const ExportPerson& person,
                  absl::Span<const GivenRecord> given, WireWriter* out) {
  for (const storage::v1::UseStopRow& stop : person.subject().row.use().stops()) {
    const size_t begin = out->Open(v1::DisclosedSubject::kStopsFieldNumber);
    out->AddBytes(v1::StopOfUse::kFieldsFieldNumber, stop.fields());
    out->AddBytes(v1::StopOfUse::kPurposeFieldNumber, stop.purpose());
    out->Close(begin);
  }
  for (const GivenRecord& one : given) {
    const std::string& notice = one.record->header().notice();
    const size_t begin = out->Open(v1::DisclosedSubject::kCollectedForFieldNumber);
    out->AddBytes(v1::CollectionPurposes::kNoticeFieldNumber, notice);
    const authz::CollectionNoticeSpec* spec = call.policy().FindCollectionNotice(notice);
    if (spec != nullptr) {
      for (const authz::PurposeId purpose : spec->purposes) {
        out->AddBytes(v1::CollectionPurposes::kPurposesFieldNumber,
                      call.policy().purposes()[purpose].name);
      }
    }
    out->Close(begin);
  }
}

}  // namespace piivault::vault
