#ifndef PIIVAULT_VAULT_RETENTION_RECORD_TIMES_H_
#define PIIVAULT_VAULT_RETENTION_RECORD_TIMES_H_

#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "authz/policy.h"
#include "authz/retention.h"
#include "piivault/storage/v1/record.pb.h"
#include "piivault/storage/v1/state.pb.h"
#include "storage/id.h"

namespace piivault::vault {

// What has happened with a record and its person, out of their rows.
//
// Ownership: borrows policy and rows, which outlive it; times() lives as long as it does. Neither
// copied nor moved. Thread-compatible.
class RecordTimes {
 public:
  RecordTimes(const authz::Policy& policy, const storage::v1::SubjectUse& use,
              const storage::Id128& record, const storage::v1::RecordHeader& header);
  RecordTimes(const RecordTimes&) = delete;
  RecordTimes& operator=(const RecordTimes&) = delete;

  const authz::RecordTimes& times() const { return times_; }
  // Of a field of the record's type.
  authz::FieldTimes Of(authz::FieldId field) const {
    return authz::RetentionOf(policy_, field, times_);
  }

 private:
  using Events = std::vector<authz::ToldEvent>;
  static Events EventsOf(const google::protobuf::RepeatedPtrField<storage::v1::EventRow>& rows);

  const authz::Policy& policy_;
  authz::RecordTimes times_;
  Events events_;
  std::vector<Events> matter_events_;
  std::vector<authz::MatterTimes> matters_;
};

// Whether nothing rests on the matter any more: it is in the last of several states, or of a kind
// that the policy has given up.
bool IsOver(const authz::Policy& policy, const storage::v1::MatterRow& row);

// The instant, as the wire and rows have it; 0 for what is at no instant.
int64_t MicrosOrZero(absl::Time time);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_RETENTION_RECORD_TIMES_H_
