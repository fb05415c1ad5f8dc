// The rules of retention.h written down a second time, as what is so at an instant: periods are
// walked through day by day, and nothing is shared with authz but the facts that they are counted
// from. Tests compare the two.
#ifndef PIIVAULT_TESTS_AUTHZ_NAIVE_RETENTION_H_
#define PIIVAULT_TESTS_AUTHZ_NAIVE_RETENTION_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "authz/retention.h"

namespace piivault::authz::naive {

// As it stands in the policy.
struct RetentionRule {
  std::string id;
  std::vector<std::string> fields;
  std::vector<std::string> triggers;
  bool all = false;  // Of several triggers.
  std::string keep;
  std::string hold;
  std::string then;
  bool disputes_only = false;

  bool About(const std::string& field) const;
  bool Destroys() const;
};

// Borrows all it is made of.
class Retention {
 public:
  Retention(const std::vector<RetentionRule>& rules, bool earlier_of, absl::TimeZone zone,
            const RecordTimes& times)
      : rules_(rules), earlier_of_(earlier_of), zone_(zone), times_(times) {}

  // Whether a law keeps the field at `now`.
  bool Held(const std::string& field, absl::Time now) const;
  bool PurposeOver(const std::string& field, absl::Time now) const;
  bool Due(const std::string& field, absl::Time now) const;
  // Whether the end of the holds alone makes it due.
  bool DueByHolds(const std::string& field) const;
  // Whether the rule is about the record, and its period is over.
  bool Ended(const RetentionRule& rule, absl::Time now) const;
  bool Concerns(const RetentionRule& rule) const;
  // The same, and not only because nobody said what a dispute is about.
  bool Sure(const RetentionRule& rule) const;

 private:
  std::vector<const MatterTimes*> Matters(const RetentionRule& rule) const;
  bool Happened(const RetentionRule& rule, const std::string& trigger, absl::Time now) const;
  absl::Time Begin(const RetentionRule& rule) const;
  bool Passed(absl::Time begin, const std::string& keep, absl::Time now) const;
  bool Reached(absl::CivilSecond local, absl::Time now) const;

  const std::vector<RetentionRule>& rules_;
  const bool earlier_of_;
  const absl::TimeZone zone_;
  const RecordTimes& times_;
};

}  // namespace piivault::authz::naive

#endif  // PIIVAULT_TESTS_AUTHZ_NAIVE_RETENTION_H_
