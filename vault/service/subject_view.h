#ifndef PIIVAULT_VAULT_SERVICE_SUBJECT_VIEW_H_
#define PIIVAULT_VAULT_SERVICE_SUBJECT_VIEW_H_

#include <string_view>

#include "google/protobuf/repeated_ptr_field.h"
#include "piivault/storage/v1/state.pb.h"
#include "piivault/v1/subject_service.pb.h"

// What a person has said, as the wire has it.
namespace piivault::vault {

void FillConsent(std::string_view tenant, const storage::v1::ConsentRow& row, v1::Consent* consent);
void FillStops(const storage::v1::SubjectUse& use,
               google::protobuf::RepeatedPtrField<v1::UseStop>* stops);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_SUBJECT_VIEW_H_
