#include "authz/retention.h"

#include <algorithm>
#include <optional>

#include "absl/time/civil_time.h"
#include "authz/compiled_policy.h"
#include "authz/policy_change.h"
#include "authz/vocabulary.h"

namespace piivault::authz {
namespace {

constexpr absl::Time kNever = absl::InfiniteFuture();

template <typename Words>
bool Contains(const Words& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// The matters that a rule counts from.
class Matters {
 public:
  Matters(const RetentionSpec& rule, const RecordTimes& times)
      : times_(times), disputed_only_(!rule.when.empty()), hold_(!rule.hold.empty()) {
    all_ = !rule.hold.empty() && std::none_of(times.matters.begin(), times.matters.end(),
                                              [](const MatterTimes& m) { return m.of_record; });
  }

  bool hold() const { return hold_; }

  bool any() const {
    return std::any_of(times_.matters.begin(), times_.matters.end(),
                       [this](const MatterTimes& matter) { return Counts(matter); });
  }
  // Whether one of them is known to count.
  bool sure() const {
    return std::any_of(
        times_.matters.begin(), times_.matters.end(),
        [this](const MatterTimes& matter) { return Counts(matter) && (all_ || matter.of_record); });
  }

  // When something had happened with all of them; kNever for none.
  template <typename When>
  absl::Time Last(When when) const {
    absl::Time last = absl::InfinitePast();
    for (const MatterTimes& matter : times_.matters) {
      // What happened before there was the record, happened to it when it was made.
      if (Counts(matter)) last = std::max({last, when(matter), times_.made});
    }
    return last == absl::InfinitePast() ? kNever : last;
  }

 private:
  bool Counts(const MatterTimes& matter) const {
    // A dispute of which nobody said what it is about may be about any record.
    const bool any = all_ || (hold_ && disputed_only_ && matter.of_none);
    return (any || matter.of_record) && (matter.disputed || !disputed_only_);
  }

  const RecordTimes& times_;
  const bool disputed_only_;
  const bool hold_;
  bool all_;
};

// When it was first told, from `since` on.
absl::Time TimeOf(absl::Span<const ToldEvent> events, std::string_view event,
                  absl::Time since = absl::InfinitePast()) {
  absl::Time first = kNever;
  for (const ToldEvent& told : events) {
    if (told.event == event && told.time >= since) first = std::min(first, told.time);
  }
  return first;
}

// When it had happened with all that the record was made for, as far as somebody told.
absl::Time ToldTime(std::string_view trigger, const RecordTimes& times, const Matters& matters) {
  const absl::Time of_person = TimeOf(times.events, trigger, times.made);
  // What was concluded is what the record was made for, whether or not somebody said so.
  const absl::Time untold = trigger == "contract_concluded" ? times.made : kNever;
  const auto or_untold = [untold](absl::Time told) { return told == kNever ? untold : told; };
  if (!matters.any()) return or_untold(of_person);
  return matters.Last([&](const MatterTimes& matter) {
    return or_untold(std::min(of_person, TimeOf(matter.events, trigger)));
  });
}

absl::Time TriggerTime(std::string_view trigger, const RecordTimes& times, const Matters& matters) {
  if (trigger == "record_made") return times.made;
  if (trigger == "case_closed") {
    return matters.Last([](const MatterTimes& matter) { return matter.closed; });
  }
  if (Contains(vocabulary::kContractEnds, trigger)) {
    // A record that came after the contract's end is none of that contract's: a law that keeps it
    // keeps it from then on, and nothing else is over for it.
    if (times.contract_ended >= times.made) return times.contract_ended;
    return matters.hold() ? times.made : kNever;
  }
  return IsToldEvent(trigger) ? ToldTime(trigger, times, matters) : kNever;
}

// When the rule's period has ended; nothing where the rule is not about the record. `*sure`:
// whether it is known to be.
std::optional<absl::Time> EndOf(const RetentionSpec& rule, const RecordTimes& times,
                                absl::TimeZone zone, bool* sure) {
  const Matters matters(rule, times);
  if (!rule.when.empty() && !matters.any()) return std::nullopt;
  *sure = rule.when.empty() || matters.sure();
  absl::Time start = rule.all_triggers ? absl::InfinitePast() : kNever;
  for (const std::string& trigger : rule.triggers) {
    const absl::Time at = TriggerTime(trigger, times, matters);
    start = rule.all_triggers ? std::max(start, at) : std::min(start, at);
  }
  return RetentionEnd(start, rule.keep, zone);
}

}  // namespace

bool IsDisputed(std::string_view matter_type) {
  return Contains(vocabulary::kDisputedTypes, matter_type);
}

bool IsToldEvent(std::string_view trigger) { return Contains(vocabulary::kToldEvents, trigger); }

FieldTimes RetentionOf(const Policy& policy, FieldId field, const RecordTimes& times) {
  FieldTimes found;
  found.over = times.erased;
  bool purpose = false;                       // Whether anything but holds is about it.
  const RetentionSpec* destroying = nullptr;  // The hold that lasts longest of those that destroy.
  absl::Time destroying_end = absl::InfinitePast();
  for (const RetentionSpec* const spec : policy.compiled().retention().RulesOf(field)) {
    const RetentionSpec& rule = *spec;
    bool sure = false;
    const std::optional<absl::Time> end = EndOf(rule, times, policy.timezone(), &sure);
    if (!end.has_value()) continue;
    if (rule.hold.empty()) {
      purpose = true;
      if (*end < found.over) {
        found.over = *end;
        found.rule = &rule;
      }
      continue;
    }
    if (found.hold == nullptr || *end > found.held_until) {
      found.held_until = *end;
      found.hold = &rule;
    }
    // What only may be about the record keeps it, and does not destroy it.
    if (sure && Destroys(rule) && (destroying == nullptr || *end > destroying_end)) {
      destroying = &rule;
      destroying_end = *end;
    }
  }
  const bool earlier = policy.retention_rules().combine == "earlier_of";
  const bool by_holds = destroying != nullptr && (!purpose || earlier);
  found.due = by_holds ? found.held_until : std::max(found.over, found.held_until);
  const bool lasts = destroying_end == found.held_until && found.held_until > found.over;
  if (by_holds || lasts) found.rule = destroying;
  if (found.due == kNever) found.rule = nullptr;
  return found;
}

bool HasRetention(const Policy& policy, TypeId type) {
  return policy.compiled().retention().Concerns(type);
}

bool IsRetained(const Policy& policy, FieldId field) {
  return !policy.compiled().retention().RulesOf(field).empty();
}

bool HasHolds(const Policy& policy) {
  const auto& rules = policy.retention();
  return std::any_of(rules.begin(), rules.end(),
                     [](const RetentionSpec& rule) { return !rule.hold.empty(); });
}

absl::Time RetentionEnd(absl::Time start, std::string_view keep, absl::TimeZone zone) {
  const std::optional<CalendarDuration> period = ParseDuration(keep);
  if (start == kNever || !period.has_value()) return kNever;
  if (period->months == 0) return AddDuration(start, keep, zone);
  const absl::CivilDay first = absl::ToCivilDay(start, zone) + 1;
  const absl::CivilMonth month = absl::CivilMonth(first) + period->months;
  const absl::CivilDay same(month.year(), month.month(), first.day());
  // Where the month has no such day it is over with the month.
  return absl::FromCivil(std::min(same, absl::CivilDay(month + 1)), zone);
}

std::string_view ApprovalOf(const Policy& policy, const RetentionSpec* rule) {
  const std::string_view own = rule == nullptr ? std::string_view() : rule->approval;
  const std::string_view role = own.empty() ? policy.retention_rules().destruction_approval : own;
  return role == "none" ? std::string_view() : role;
}

bool IsOpenPurpose(const Policy& policy, PurposeId purpose) {
  const std::vector<PurposeId>& open = policy.retention_rules().open_purposes;
  return std::find(open.begin(), open.end(), purpose) != open.end();
}

}  // namespace piivault::authz
