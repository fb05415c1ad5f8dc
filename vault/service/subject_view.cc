#include "vault/service/subject_view.h"

#include "vault/service/admin_convert.h"
#include "vault/service/resource_name.h"
#include "vault/text.h"

namespace piivault::vault {

void FillConsent(std::string_view tenant, const storage::v1::ConsentRow& row,
                 v1::Consent* consent) {
  consent->set_id(row.id());
  consent->set_consent(row.consent());
  consent->set_purpose(row.purpose());
  *consent->mutable_fields() = row.fields();
  consent->set_wording(row.wording());
  consent->set_channel(row.channel());
  if (!row.guardian_relation().empty()) {
    consent->mutable_guardian()->set_relation(row.guardian_relation());
    consent->mutable_guardian()->set_document_sha256(ToHex(row.guardian_document_sha256()));
  }
  consent->set_basis(row.basis());
  FillTime(row.give_micros(), consent->mutable_give_time());
  if (!row.recipient().empty()) {
    consent->set_recipient(RecipientResource(tenant, row.recipient()));
  }
  if (row.withdraw_micros() != 0) FillTime(row.withdraw_micros(), consent->mutable_withdraw_time());
}

void FillStops(const storage::v1::SubjectUse& use,
               google::protobuf::RepeatedPtrField<v1::UseStop>* stops) {
  for (const storage::v1::UseStopRow& row : use.stops()) {
    v1::UseStop& stop = *stops->Add();
    stop.set_fields(row.fields());
    stop.set_purpose(row.purpose());
    FillTime(row.time_micros(), stop.mutable_stop_time());
  }
}

}  // namespace piivault::vault
