// How long fields are kept: the policy's `retention` counted from what has happened. Pure;
// thread-safe.
//
// A hold is a rule that names a law: it keeps a field. Any other rule that destroys says when the
// field's purpose is over: the first of several. A field is due when its purpose is over and no
// hold keeps it; one that only holds are about is due when they end, where one of them destroys.
// With `combine: earlier_of` that is so of every field of which a hold destroys.
#ifndef PIIVAULT_AUTHZ_RETENTION_H_
#define PIIVAULT_AUTHZ_RETENTION_H_

#include <string_view>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "authz/policy.h"

namespace piivault::authz {

// Something that has happened.
struct ToldEvent {
  std::string_view event = {};               // A trigger of the policy.
  absl::Time time = absl::InfiniteFuture();  // When it was told first.
};

// A matter of the person, as periods are counted from it.
struct MatterTimes {
  bool of_record = false;  // The record is one of those that it is about.
  bool of_none = false;    // Nobody said which records it is about.
  bool disputed = false;   // It is a complaint or a dispute.
  absl::Time closed = absl::InfiniteFuture();
  absl::Span<const ToldEvent> events = {};
};

// What has happened with a record and the person whom it is about. InfiniteFuture: not yet.
struct RecordTimes {
  absl::Time made = absl::InfiniteFuture();
  absl::Time contract_ended = absl::InfiniteFuture();  // The person's.
  absl::Time erased = absl::InfiniteFuture();          // But for what a law keeps.
  // Of the person, each once. What was told before the record was made says nothing of it.
  absl::Span<const ToldEvent> events = {};
  absl::Span<const MatterTimes> matters = {};  // Of the person, in any order.
};

struct FieldTimes {
  // First instant at which no hold keeps it: InfinitePast where none is about it, InfiniteFuture
  // where none says yet when.
  absl::Time held_until = absl::InfinitePast();
  const RetentionSpec* hold = nullptr;  // The one that lasts longest.
  // First instant at which its purpose is over.
  absl::Time over = absl::InfiniteFuture();
  // First instant at which it is to be destroyed.
  absl::Time due = absl::InfiniteFuture();
  // By which: of a hold, where it lasts longest, longer than the purpose, and destroys. Null where
  // it is the person's erasure, and where it is not due at any time.
  const RetentionSpec* rule = nullptr;

  bool HeldAt(absl::Time now) const { return now < held_until; }
  bool DueAt(absl::Time now) const { return now >= due; }
  // Its purpose is over, and a law keeps it.
  bool KeptByLawAt(absl::Time now) const { return now >= over && HeldAt(now); }
};

// Whether the matter's type is what rules `if: case_is_complaint_or_dispute` are about.
bool IsDisputed(std::string_view matter_type);
// Triggers that somebody has to tell: nothing that the vault sees says when they happen.
bool IsToldEvent(std::string_view trigger);

// Of one field. Which matters count: those that are about the record, all of them. A record that
// none is about counts for holds as if all of the person's were, for destruction as if none was. A
// dispute of which nobody said what it is about keeps any record, and destroys none for that.
FieldTimes RetentionOf(const Policy& policy, FieldId field, const RecordTimes& times);
// Whether any rule that keeps or destroys is about a field of the type.
bool HasRetention(const Policy& policy, TypeId type);

// Whether one is about the field.
bool IsRetained(const Policy& policy, FieldId field);
// Whether a law keeps anything at all by the policy.
bool HasHolds(const Policy& policy);

// First instant after a period of the policy (`30d`, `5y`) that began at `start`. Years and months
// are counted from the next day and are over before the day that has its number, or with a month
// that has no such day: a year from the 28th of February on is over with the 29th in a leap year
// (Civil Code of Japan, Art. 140, 143; Civil Act of Korea, Art. 157, 160). That the first day
// counts where the period begins at midnight is left out: midnight stands for a day of which nobody
// knows the hour. Days and weeks end at the time of day at which they began; `0` ends at once.
// InfiniteFuture for a word (`unspecified`) and for what has not begun.
absl::Time RetentionEnd(absl::Time start, std::string_view keep, absl::TimeZone zone);

// The role that has to approve a destruction by the rule (null: by an erasure); empty for none.
std::string_view ApprovalOf(const Policy& policy, const RetentionSpec* rule);
// Whether what is kept by law alone is open to the purpose.
bool IsOpenPurpose(const Policy& policy, PurposeId purpose);

}  // namespace piivault::authz

#endif  // PIIVAULT_AUTHZ_RETENTION_H_
