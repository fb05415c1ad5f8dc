#include "vault/service/policy_comparisons.h"

#include <algorithm>
#include <iterator>

#include "authz/policy_diff.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

// Some tens of milliseconds; the largest policies of operators have some ten thousand.
constexpr size_t kMaxVisits = 200'000;

PolicyComparison Work(const authz::Policy* before, const authz::Policy& after) {
  const std::shared_ptr<const authz::Policy> nothing =
      before == nullptr ? authz::PolicyOfNothing() : nullptr;
  const authz::PolicyDiff diff = authz::DiffPolicies(
      before == nullptr ? *nothing : *before, after,
      {.max_cells = kMaxComparedLines, .max_visits = kMaxVisits, .only_granted = true});
  PolicyComparison comparison;
  for (const authz::CellChange& change : diff.cells) {
    comparison.granted.push_back(authz::DescribeChange(change));
  }
  const size_t settings = std::min(diff.settings.size(), kMaxComparedLines);
  for (size_t i = 0; i < settings; ++i) {
    comparison.settings.push_back(authz::DescribeChange(diff.settings[i]));
  }
  comparison.granted_count = static_cast<int64_t>(diff.granted + diff.wider);
  comparison.incomplete = diff.incomplete;
  return comparison;
}

}  // namespace

template <typename T, typename Worker>
std::shared_ptr<const T> PolicyComparisons::Find(const std::string& key, Kept<T>* kept,
                                                 Worker work) {
  {
    absl::MutexLock lock(&mu_);
    const auto found = std::find_if(kept->begin(), kept->end(),
                                    [&](const auto& item) { return item.first == key; });
    if (found != kept->end()) {
      kept->splice(kept->begin(), *kept, found);
      return found->second;
    }
    ++worked_;
  }
  std::shared_ptr<const T> made = work();
  absl::MutexLock lock(&mu_);
  kept->emplace_front(key, made);
  if (kept->size() > kKept) kept->pop_back();
  return made;
}

std::shared_ptr<const authz::Policy> PolicyComparisons::Load(const PolicyState& state) {
  if (state.policy != nullptr) return state.policy;
  return Find(state.sha256, &policies_, [&]() -> std::shared_ptr<const authz::Policy> {
    authz::PolicyText text;
    text.yaml = state.row.yaml();
    text.values_yaml = state.row.values_yaml();
    auto policy = authz::Policy::Load(text);
    return policy.ok() ? *std::move(policy) : nullptr;
  });
}

std::shared_ptr<const PolicyComparison> PolicyComparisons::Compare(const authz::Policy* before,
                                                                   const authz::Policy& after) {
  const std::string key = Concat({before == nullptr ? "" : before->hash(), ":", after.hash()});
  return Find(key, &comparisons_,
              [&] { return std::make_shared<const PolicyComparison>(Work(before, after)); });
}

std::shared_ptr<const std::string> PolicyComparisons::Meaning(const authz::Policy& policy) {
  return Find(policy.hash(), &meanings_,
              [&] { return std::make_shared<const std::string>(authz::SemanticHash(policy)); });
}

size_t PolicyComparisons::worked() const {
  absl::MutexLock lock(&mu_);
  return worked_;
}

}  // namespace piivault::vault
