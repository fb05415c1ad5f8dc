#ifndef PIIVAULT_VAULT_SERVICE_TOLD_EVENTS_H_
#define PIIVAULT_VAULT_SERVICE_TOLD_EVENTS_H_

#include <optional>
#include <string>

#include "absl/time/time.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "piivault/storage/v1/state.pb.h"
#include "piivault/v1/subject_service.pb.h"
#include "vault/service/vault_call.h"

// What has happened with a person or a matter, as callers tell it: periods of storage are counted
// from it.
namespace piivault::vault {

using EventNames = google::protobuf::RepeatedPtrField<std::string>;
using EventRows = google::protobuf::RepeatedPtrField<storage::v1::EventRow>;

// Refuses names that repeat each other, or that no rule of the policy in force counts from, or that
// nobody tells (kMalformedRequest, `events`), and more than 8 (kBatchTooLarge). The entry has the
// others, as argument `events`, separated by commas.
std::optional<Plan> CheckEvents(VaultCall& call, const EventNames& events);

// Adds those that were not told before, as of `now`: the first telling stands. REQUIRES:
// CheckEvents() has let them pass.
void TellEvents(const EventNames& events, absl::Time now, EventRows* rows);
// The same of a person as a whole, where it says something of each record that there is by then: so
// it may be told again, for those that came later. A further one than 8 takes the place of the
// last.
void TellEventsAgain(const EventNames& events, absl::Time now, EventRows* rows);

void FillEvents(const EventRows& rows, google::protobuf::RepeatedPtrField<v1::Event>* events);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_TOLD_EVENTS_H_
