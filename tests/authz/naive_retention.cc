#include "tests/authz/naive_retention.h"

#include <algorithm>
#include <cstdlib>

namespace piivault::authz::naive {
namespace {

bool In(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool Told(absl::Span<const ToldEvent> events, const std::string& event, absl::Time now) {
  return std::any_of(events.begin(), events.end(), [&](const ToldEvent& told) {
    return told.event == event && told.time <= now;
  });
}

}  // namespace

bool RetentionRule::About(const std::string& field) const { return In(fields, field); }

bool RetentionRule::Destroys() const {
  return In({"destroy", "destroy_irrecoverably", "block_now_then_destroy", "return_or_destroy"},
            then);
}

// Those that are about the record; of a hold all, where none is, and of one on disputes each of
// which nobody said what it is about.
std::vector<const MatterTimes*> Retention::Matters(const RetentionRule& rule) const {
  bool linked = false;
  for (const MatterTimes& matter : times_.matters) linked = linked || matter.of_record;
  std::vector<const MatterTimes*> matters;
  for (const MatterTimes& matter : times_.matters) {
    if (rule.disputes_only && !matter.disputed) continue;
    const bool hold = !rule.hold.empty();
    const bool maybe = hold && (!linked || (rule.disputes_only && matter.of_none));
    if (matter.of_record || maybe) matters.push_back(&matter);
  }
  return matters;
}

bool Retention::Concerns(const RetentionRule& rule) const {
  return !rule.disputes_only || !Matters(rule).empty();
}

bool Retention::Happened(const RetentionRule& rule, const std::string& trigger,
                         absl::Time now) const {
  const std::vector<const MatterTimes*> matters = Matters(rule);
  if (trigger == "record_made") return times_.made <= now;
  if (In({"account_deleted", "user_withdrawn", "cancelled"}, trigger)) {
    const bool other_contract = times_.contract_ended < times_.made;
    if (!other_contract) return times_.contract_ended <= now;
    return !rule.hold.empty() && times_.made <= now;
  }
  if (trigger == "case_closed") {
    return !matters.empty() && times_.made <= now &&
           std::all_of(matters.begin(), matters.end(),
                       [&](const MatterTimes* matter) { return matter->closed <= now; });
  }
  if (In({"contract_cancelled", "consented_period_end", "value_changed", "parent_erased"},
         trigger)) {
    return false;
  }
  // Told of the person since there is the record, or of every single matter.
  std::vector<ToldEvent> of_person;
  for (const ToldEvent& told : times_.events) {
    if (told.time >= times_.made) of_person.push_back(told);
  }
  if (Told(of_person, trigger, now)) return true;
  const auto nobody_ever_tells = [&](const MatterTimes* matter) {
    return !Told(of_person, trigger, absl::InfiniteFuture() - absl::Seconds(1)) &&
           (matter == nullptr ||
            !std::any_of(matter->events.begin(), matter->events.end(), [&](const ToldEvent& told) {
              return told.event == trigger && told.time < absl::InfiniteFuture();
            }));
  };
  const auto silently = [&](const MatterTimes* matter) {
    return trigger == "contract_concluded" && times_.made <= now && nobody_ever_tells(matter);
  };
  if (matters.empty()) return silently(nullptr);
  return std::all_of(matters.begin(), matters.end(), [&](const MatterTimes* matter) {
    return (Told(matter->events, trigger, now) && times_.made <= now) || silently(matter);
  });
}

// The first of all instants at which something happened, at which enough had.
absl::Time Retention::Begin(const RetentionRule& rule) const {
  std::vector<absl::Time> instants = {times_.made, times_.contract_ended};
  for (const ToldEvent& told : times_.events) instants.push_back(told.time);
  for (const MatterTimes& matter : times_.matters) {
    instants.push_back(matter.closed);
    for (const ToldEvent& told : matter.events) instants.push_back(told.time);
  }
  std::sort(instants.begin(), instants.end());
  for (const absl::Time at : instants) {
    if (at == absl::InfiniteFuture()) break;
    int happened = 0;
    for (const std::string& trigger : rule.triggers) happened += Happened(rule, trigger, at);
    const int needed = rule.all ? static_cast<int>(rule.triggers.size()) : 1;
    if (happened >= needed) return at;
  }
  return absl::InfiniteFuture();
}

// Whether the clock on the wall has shown it; where it is put back, the first time counts.
bool Retention::Reached(absl::CivilSecond local, absl::Time now) const {
  const absl::CivilSecond shown = absl::ToCivilSecond(now, zone_);
  if (shown >= local) return true;
  absl::TimeZone::CivilTransition put;
  if (!zone_.PrevTransition(now + absl::Nanoseconds(1), &put)) return false;
  return put.to <= shown && shown < put.from && local < put.from;
}

bool Retention::Passed(absl::Time begin, const std::string& keep, absl::Time now) const {
  char* unit = nullptr;
  const int64_t count = std::strtol(keep.c_str(), &unit, 10);
  if (unit == keep.c_str() || begin == absl::InfiniteFuture()) return false;
  const std::string name = unit;
  int64_t seconds = name == "m" ? 60 : name == "h" ? 3600 : 1;
  if (name == "d" || name == "w") {
    const absl::CivilSecond from = absl::ToCivilSecond(begin, zone_);
    return Reached(from + count * (name == "w" ? 7 : 1) * 24 * 3600, now);
  }
  if (name != "mo" && name != "y") return now >= begin + count * absl::Seconds(seconds);
  // Turns the leaves of a calendar, from the next day on.
  absl::CivilDay day = absl::ToCivilDay(begin, zone_) + 1;
  const int number = day.day();
  int64_t firsts = count * (name == "y" ? 12 : 1);  // Of months that are to come.
  while (firsts > 0) {
    ++day;
    if (day.day() == 1) --firsts;
  }
  while (day.day() != number) {
    ++day;
    if (day.day() == 1) break;  // The month is over and had no such day.
  }
  return Reached(absl::CivilSecond(day), now);
}

bool Retention::Ended(const RetentionRule& rule, absl::Time now) const {
  return Concerns(rule) && Passed(Begin(rule), rule.keep, now);
}

bool Retention::Held(const std::string& field, absl::Time now) const {
  return std::any_of(rules_.begin(), rules_.end(), [&](const RetentionRule& rule) {
    return rule.About(field) && !rule.hold.empty() && Concerns(rule) && !Ended(rule, now);
  });
}

bool Retention::PurposeOver(const std::string& field, absl::Time now) const {
  if (times_.erased <= now) return true;
  return std::any_of(rules_.begin(), rules_.end(), [&](const RetentionRule& rule) {
    return rule.About(field) && rule.hold.empty() && rule.Destroys() && Ended(rule, now);
  });
}

bool Retention::Due(const std::string& field, absl::Time now) const {
  return !Held(field, now) && (PurposeOver(field, now) || DueByHolds(field));
}

bool Retention::Sure(const RetentionRule& rule) const {
  if (!rule.disputes_only) return true;
  for (const MatterTimes* matter : Matters(rule)) {
    if (matter->of_record || !matter->of_none) return true;
    bool linked = false;
    for (const MatterTimes& other : times_.matters) linked = linked || other.of_record;
    if (!linked) return true;
  }
  return false;
}

bool Retention::DueByHolds(const std::string& field) const {
  bool holds_destroy = false;
  bool others = false;
  for (const RetentionRule& rule : rules_) {
    if (!rule.About(field) || !Concerns(rule) || !rule.Destroys() || !Sure(rule)) continue;
    (rule.hold.empty() ? others : holds_destroy) = true;
  }
  return holds_destroy && (!others || earlier_of_);
}

}  // namespace piivault::authz::naive
