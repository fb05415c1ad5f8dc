#ifndef PIIVAULT_VAULT_RECORDS_GROUP_COUNTS_H_
#define PIIVAULT_VAULT_RECORDS_GROUP_COUNTS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "authz/policy_spec.h"
#include "storage/id.h"
#include "vault/crypto/secret_bytes.h"
#include "vault/crypto/sha256.h"

namespace piivault::vault {

// The values that the people of one group have in common, one for each field counted by.
using GroupLabel = absl::InlinedVector<SecretBytes, 2>;

// What a count may say. Views borrow from the GroupCounts that it came from.
struct GroupSummary {
  struct Group {
    const GroupLabel* label = nullptr;
    int64_t persons = 0;  // rounded
  };
  std::vector<Group> groups;  // by label
  int64_t other_persons = 0;  // rounded; 0 where they are too few to be shown
};

// Counts people by groups while records are gone through, in steps that may be taken back.
//
// Guarantees: a person counts once in a group, however many records lead there. Summarize() shows
// no group of fewer people than the rules say; where one group alone would be left out, the
// smallest of the others is left out too, so that nobody finds it as the difference to a total.
// What is left out is shown as one number, if it is large enough; a person who is in several groups
// counts there in the one of the first record. All numbers are rounded down. Memory is bounded.
// Does not: decide who is counted, or keep someone who may count again and again, by other fields
// and as people come and go, from working out more than one count says.
// Thread-compatible.
class GroupCounts {
 public:
  static constexpr size_t kMaxGroups = 10'000;
  static constexpr size_t kMaxLabelBytes = size_t{4} << 20;

  // One record. False: too many groups. REQUIRES: a person's records come one behind the other.
  [[nodiscard]] bool Add(const storage::Id128& person, GroupLabel label);

  // Makes what was added since the last of these calls final, or undoes it.
  void Commit();
  void Rollback();

  // Of all that was added and not taken back.
  GroupSummary Summarize(const authz::AggregateRules& rules) const;

 private:
  struct Tally {
    int64_t persons = 0;
    int64_t firsts = 0;  // whose first record is in this group
    std::optional<storage::Id128> last_person;
  };
  struct Group {
    GroupLabel label;
    Tally now;
    Tally committed;
  };
  using Groups = std::map<Sha256Digest, Group>;

  Groups groups_;                          // by the digest of the label
  std::vector<Groups::iterator> changed_;  // since the last Commit() or Rollback(); may repeat
  std::vector<Groups::iterator> new_;      // likewise
  size_t label_bytes_ = 0;
  std::optional<storage::Id128> person_;  // of the last record
  std::optional<storage::Id128> committed_person_;
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_RECORDS_GROUP_COUNTS_H_
