#include "vault/service/counted_calls.h"

#include <algorithm>
#include <utility>

namespace piivault::vault {
namespace {

// Names that no principal and no certificate has.
constexpr char kNobody[] = "";
constexpr char kUnidentified[] = "?";
constexpr char kOthers[] = "*";

}  // namespace

void CountedCalls::Fill(absl::Time now, Caller* caller) const {
  const double earned = absl::ToDoubleSeconds(now - caller->filled_at) * limits_.per_second;
  caller->left = std::min<double>(limits_.burst, caller->left + earned);
  caller->filled_at = now;
}

CountedCalls::Caller& CountedCalls::FindCaller(absl::Time now, std::string* name) {
  const auto found = callers_.find(*name);
  if (found != callers_.end()) {
    Fill(now, &found->second);
    return found->second;
  }
  if (callers_.size() >= kMaxCallers) {
    // Whose bucket is full again is as good as new.
    absl::erase_if(callers_, [&](auto& entry) {
      Fill(now, &entry.second);
      return entry.second.groups == 0 && entry.second.left >= limits_.burst;
    });
    if (callers_.size() >= kMaxCallers) *name = kOthers;
  }
  const auto [at, added] =
      callers_.try_emplace(*name, Caller{static_cast<double>(limits_.burst), now, 0});
  if (!added) Fill(now, &at->second);
  return at->second;
}

CountedCalls::Group& CountedCalls::FindGroup(GroupKey key, absl::Time now) {
  const auto [found, added] = groups_.try_emplace(std::move(key));
  Group& group = found->second;
  if (added) {
    group.batch.reason = std::get<authz::Reason>(found->first);
    group.opened = now;
    group.due = now + limits_.hold;
  }
  return group;
}

bool CountedCalls::Hold(std::string_view caller, const MethodInfo& method, authz::Reason reason,
                        const storage::EntryDraft& entry, Held call, absl::Time now,
                        absl::Time give_up_at) {
  std::string name(caller.empty() ? kUnidentified : caller);
  Caller& bucket = FindCaller(now, &name);
  if (bucket.left >= 1) {
    bucket.left -= 1;
    return false;
  }
  storage::v1::EntryBody body;
  if (!body.ParseFromString(entry.body)) return false;
  GroupKey key{std::move(name), &method, reason};
  if (bucket.groups >= kGroupsPerCaller && !groups_.contains(key)) std::get<1>(key) = nullptr;
  const size_t before = groups_.size();
  Group& group = FindGroup(std::move(key), now);
  if (groups_.size() > before) ++bucket.groups;
  group.batch.entry.Add(body);
  group.batch.held.push_back(call);
  // Half of what is left is for the way through the engine.
  const absl::Time wanted = now + std::max(absl::ZeroDuration(), give_up_at - now) / 2;
  group.due = std::max(std::min(group.due, wanted), group.opened + kShortestHold);
  return true;
}

void CountedCalls::Count(authz::Reason reason, const storage::v1::EntryBody& body, absl::Time now) {
  FindGroup({kNobody, nullptr, reason}, now).batch.entry.Add(body);
}

std::vector<CountedCalls::Batch> CountedCalls::TakeDue(absl::Time now) {
  std::vector<Batch> due;
  for (auto at = groups_.begin(); at != groups_.end();) {
    if (now < at->second.due) {
      ++at;
      continue;
    }
    const auto caller = callers_.find(std::get<std::string>(at->first));
    if (caller != callers_.end()) --caller->second.groups;
    due.push_back(std::move(at->second.batch));
    groups_.erase(at++);
  }
  return due;
}

}  // namespace piivault::vault
