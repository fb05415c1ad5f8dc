// People, their records and matters, and what becomes of them under rules of periods of storage:
// the naive model that a vault is compared with.
#ifndef PIIVAULT_TESTS_VAULT_SERVICE_RETENTION_MODEL_H_
#define PIIVAULT_TESTS_VAULT_SERVICE_RETENTION_MODEL_H_

#include <algorithm>
#include <deque>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "tests/authz/naive_retention.h"

namespace piivault::vault {

// A policy's rules; what of its fields asks for approval does so by every rule.
struct ModelRules {
  std::vector<authz::naive::RetentionRule> rules;
  bool earlier_of = false;
  std::set<std::string> approved;  // full names

  // As `retention` and `retention_rules` of a policy; `chief` approves.
  std::string Text() const {
    std::string text = "retention:\n";
    for (const auto& rule : rules) {
      const std::string triggers = absl::StrCat("[", absl::StrJoin(rule.triggers, ", "), "]");
      absl::StrAppend(&text, "  - {id: ", rule.id, ", fields: [", absl::StrJoin(rule.fields, ", "),
                      "], trigger: ",
                      rule.triggers.size() == 1
                          ? rule.triggers[0]
                          : absl::StrCat("{", rule.all ? "all" : "any", ": ", triggers, "}"),
                      ", keep: ", rule.keep, ", then: ", rule.then,
                      rule.hold.empty() ? "" : absl::StrCat(", hold: ", rule.hold),
                      rule.disputes_only ? ", if: case_is_complaint_or_dispute" : "",
                      approved.contains(rule.fields[0]) ? ", approval: chief" : "", "}\n");
    }
    absl::StrAppend(&text, "retention_rules: {open_purposes: [law], combine: ",
                    earlier_of ? "earlier_of" : "later_of", "}\n");
    return text;
  }
};

struct ModelRecord {
  std::string name;
  std::string type;
  std::string ref;
  absl::Time made;
  std::map<std::string, std::string> values;                // by field
  std::map<std::string, std::vector<std::string>> earlier;  // oldest first
  std::map<std::string, std::string> tokens;                // by field
};

struct ModelMatter {
  std::string id;
  std::string type;
  absl::Time closed = absl::InfiniteFuture();
  std::set<std::string> records;
  std::map<std::string, absl::Time> events;
};

struct ModelPerson {
  std::string name;
  absl::Time contract_ended = absl::InfiniteFuture();
  absl::Time erased = absl::InfiniteFuture();  // but for what a law keeps
  bool gone = false;
  std::multimap<std::string, absl::Time> events;  // each telling
  std::vector<ModelMatter> matters;
  std::vector<ModelRecord> records;

  bool is_erased() const { return erased != absl::InfiniteFuture(); }

  // Eight tellings of an event are kept, the last one among them.
  void Tell(const std::string& event, absl::Time now) {
    const auto [begin, end] = events.equal_range(event);
    if (begin != end && std::prev(end)->second >= now) return;
    if (std::distance(begin, end) == 8) {
      std::prev(end)->second = now;
    } else {
      events.emplace_hint(end, event, now);
    }
  }
};

// What is so of a field that has a value.
struct ModelState {
  bool held = false;
  bool over = false;  // its purpose is
  bool due = false;
  bool approved = false;  // by somebody, before it goes

  bool kept_by_law() const { return over && held; }
  bool waits() const { return due && approved; }
  bool goes() const { return due && !approved; }
};

// One instant of one record. Borrows all.
class ModelTimes {
 public:
  ModelTimes(const ModelRules& rules, const ModelPerson& person, const ModelRecord& record,
             absl::Time now)
      : rules_(rules), type_(record.type), now_(now) {
    times_.made = record.made;
    times_.contract_ended = person.contract_ended;
    times_.erased = person.erased;
    times_.events = Events(person.events);
    for (const ModelMatter& matter : person.matters) {
      matters_.push_back({.of_record = matter.records.contains(record.name),
                          .of_none = matter.records.empty(),
                          .disputed = matter.type == "complaint" || matter.type == "dispute",
                          .closed = matter.closed,
                          .events = Events(matter.events)});
    }
    times_.matters = matters_;
  }
  ModelTimes(const ModelTimes&) = delete;
  ModelTimes& operator=(const ModelTimes&) = delete;

  ModelState Of(const std::string& name) const {
    const std::string field = absl::StrCat(type_, ".", name);
    const authz::naive::Retention naive(rules_.rules, rules_.earlier_of, Zone(), times_);
    return {naive.Held(field, now_), naive.PurposeOver(field, now_), naive.Due(field, now_),
            rules_.approved.contains(field)};
  }
  static absl::TimeZone Zone() { return absl::FixedTimeZone(9 * 60 * 60); }  // Asia/Tokyo

 private:
  template <typename Told>
  absl::Span<const authz::ToldEvent> Events(const Told& events) {
    std::vector<authz::ToldEvent>& told = events_.emplace_back();
    for (const auto& [event, time] : events) told.push_back({event, time});
    return told;
  }

  const ModelRules& rules_;
  const std::string& type_;
  const absl::Time now_;
  authz::RecordTimes times_;
  std::deque<std::vector<authz::ToldEvent>> events_;
  std::vector<authz::MatterTimes> matters_;
};

using ModelStates = std::map<std::string, ModelState>;  // by field that has a value

inline ModelStates StatesOf(const ModelRules& rules, const ModelPerson& person,
                            const ModelRecord& record, absl::Time now) {
  const ModelTimes times(rules, person, record, now);
  ModelStates states;
  for (const auto& [field, value] : record.values) states[field] = times.Of(field);
  return states;
}

// Changes the record as a write does: what is replaced stays where it is held, or as far as the
// field has a history. `states` are those before.
inline void Write(const ModelStates& states, const std::map<std::string, size_t>& history,
                  const std::map<std::string, std::string>& set,
                  const std::set<std::string>& cleared, ModelRecord* record) {
  for (const auto& [field, value] : set) {
    const auto old = record->values.find(field);
    if (old != record->values.end() && old->second != value) {
      record->earlier[field].push_back(old->second);
    }
    record->values[field] = value;
  }
  for (const std::string& field : cleared) {
    record->values.erase(field);
    record->earlier.erase(field);
    record->tokens.erase(field);
  }
  for (auto& [field, values] : record->earlier) {
    const auto state = states.find(field);
    if (state != states.end() && state->second.held) continue;
    const auto kept = history.find(absl::StrCat(record->type, ".", field));
    const size_t most = kept == history.end() ? 0 : kept->second;
    if (values.size() > most) {
      values.erase(values.begin(), values.end() - static_cast<ptrdiff_t>(most));
    }
  }
}

// The record is gone; no matter is about it any longer.
inline void Remove(const std::string& record, ModelPerson* person) {
  std::erase_if(person->records, [&](const ModelRecord& one) { return one.name == record; });
  for (ModelMatter& matter : person->matters) matter.records.erase(record);
}

// Destroys the fields: the record with them where nothing is left.
inline void Destroy(const ModelStates& states, const std::map<std::string, size_t>& history,
                    const std::set<std::string>& fields, ModelPerson* person,
                    const std::string& record) {
  const auto found = std::find_if(person->records.begin(), person->records.end(),
                                  [&](const ModelRecord& one) { return one.name == record; });
  if (fields.size() >= found->values.size()) return Remove(record, person);
  Write(states, history, {}, fields, &*found);
}

}  // namespace piivault::vault

#endif  // PIIVAULT_TESTS_VAULT_SERVICE_RETENTION_MODEL_H_
