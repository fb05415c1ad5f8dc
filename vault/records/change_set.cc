#include "vault/records/change_set.h"

namespace piivault::vault {

void ChangeSet::Retain(std::string_view subject_ref, std::string_view record_ref, uint64_t version,
                       const Sha256Digest* digest, const Sha256Digest* previous) {
  storage::v1::RetainedItem& item = *retained.add_items();
  item.set_subject_ref(subject_ref.data(), subject_ref.size());
  item.set_record_ref(record_ref.data(), record_ref.size());
  item.set_version(version);
  if (digest != nullptr) item.set_digest(digest->data(), digest->size());
  if (previous != nullptr) item.set_previous_digest(previous->data(), previous->size());
}

}  // namespace piivault::vault
