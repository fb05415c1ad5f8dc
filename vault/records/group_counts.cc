#include "vault/records/group_counts.h"

#include <algorithm>
#include <string>
#include <utility>

#include "vault/keys/byte_io.h"

namespace piivault::vault {
namespace {

size_t SizeOf(const GroupLabel& label) {
  size_t size = 0;
  for (const SecretBytes& value : label) size += value.size();
  return size;
}

// Of the values with their lengths, so that no two labels have the same bytes.
Sha256Digest DigestOf(const GroupLabel& label) {
  std::string bytes;
  bytes.reserve(SizeOf(label) + label.size() * sizeof(uint32_t));
  for (const SecretBytes& value : label) {
    AppendU32(static_cast<uint32_t>(value.size()), &bytes);
    bytes.append(value.view());
  }
  const Sha256Digest digest = Sha256(bytes);
  Wipe(&bytes);
  return digest;
}

bool Before(const GroupLabel& a, const GroupLabel& b) {
  return std::lexicographical_compare(
      a.begin(), a.end(), b.begin(), b.end(),
      [](const SecretBytes& x, const SecretBytes& y) { return x.view() < y.view(); });
}

int64_t RoundDown(int64_t count, const authz::AggregateRules& rules) {
  return count - count % static_cast<int64_t>(rules.round_to);
}

}  // namespace

bool GroupCounts::Add(const storage::Id128& person, GroupLabel label) {
  const bool first = !person_.has_value() || *person_ != person;
  const auto [at, is_new] = groups_.try_emplace(DigestOf(label));
  Group& group = at->second;
  if (is_new) {
    new_.push_back(at);
    group.label = std::move(label);
    label_bytes_ += SizeOf(group.label);
    if (groups_.size() > kMaxGroups || label_bytes_ > kMaxLabelBytes) return false;
  }
  person_ = person;
  if (!first && group.now.last_person.has_value() && *group.now.last_person == person) return true;
  changed_.push_back(at);
  group.now.last_person = person;
  ++group.now.persons;
  if (first) ++group.now.firsts;
  return true;
}

void GroupCounts::Commit() {
  for (const Groups::iterator& group : changed_) group->second.committed = group->second.now;
  changed_.clear();
  new_.clear();
  committed_person_ = person_;
}

void GroupCounts::Rollback() {
  for (const Groups::iterator& group : changed_) group->second.now = group->second.committed;
  changed_.clear();
  for (const Groups::iterator& group : new_) {
    label_bytes_ -= SizeOf(group->second.label);
    groups_.erase(group);
  }
  new_.clear();
  person_ = committed_person_;
}

GroupSummary GroupCounts::Summarize(const authz::AggregateRules& rules) const {
  const auto min_group = static_cast<int64_t>(rules.min_group);
  std::vector<const Group*> by_size;
  by_size.reserve(groups_.size());
  for (const auto& [digest, group] : groups_) by_size.push_back(&group);
  std::sort(by_size.begin(), by_size.end(), [](const Group* a, const Group* b) {
    if (a->now.persons != b->now.persons) return a->now.persons < b->now.persons;
    return Before(a->label, b->label);
  });
  auto shown = std::find_if(by_size.begin(), by_size.end(),
                            [&](const Group* group) { return group->now.persons >= min_group; });
  if (shown - by_size.begin() == 1 && shown != by_size.end()) ++shown;

  GroupSummary summary;
  int64_t others = 0;
  for (auto group = by_size.begin(); group != shown; ++group) others += (*group)->now.firsts;
  if (others >= min_group) summary.other_persons = RoundDown(others, rules);
  std::sort(shown, by_size.end(),
            [](const Group* a, const Group* b) { return Before(a->label, b->label); });
  for (auto group = shown; group != by_size.end(); ++group) {
    summary.groups.push_back({&(*group)->label, RoundDown((*group)->now.persons, rules)});
  }
  return summary;
}

}  // namespace piivault::vault
