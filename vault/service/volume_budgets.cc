#include "vault/service/volume_budgets.h"

#include <algorithm>
#include <array>
#include <optional>

#include "absl/strings/str_cat.h"
#include "vault/audit/entry_terms.h"
#include "vault/service/resource_name.h"

namespace piivault::vault {
namespace {

constexpr size_t kReadEntries = 1000;

constexpr std::string_view kService = "piivault.v1.VaultService/";
// What a token gives counts as its issuer's, when it is issued.
constexpr std::string_view kIssue = "piivault.v1.SharingService/IssueExportToken";
// Of that service.
constexpr auto kReleasing = std::to_array<std::string_view>(
    {"BatchRevealRecords", "Detokenize", "DownloadRecords", "LookupRecord", "RevealRecord",
     "RevealRecordHistory", "StreamRevealRecords"});

template <typename Id>
bool NoneOrAmong(const std::vector<Id>& ids, std::optional<Id> id) {
  return ids.empty() || (id.has_value() && std::find(ids.begin(), ids.end(), *id) != ids.end());
}

bool IsAbout(const authz::BudgetSpec& budget, const authz::Policy& policy, const Release& release) {
  const auto for_role = [&](std::string_view name) {
    const authz::RoleSpec* role = policy.FindRole(name);
    return NoneOrAmong(budget.roles, role == nullptr ? std::nullopt : std::optional(role->id));
  };
  const auto& further = release.further_roles;
  const auto for_purpose = [&](std::string_view name) {
    const authz::PurposeSpec* purpose = policy.FindPurpose(name);
    return NoneOrAmong(budget.purposes,
                       purpose == nullptr ? std::nullopt : std::optional(purpose->id));
  };
  return (for_role(release.role) || std::any_of(further.begin(), further.end(), for_role)) &&
         (for_purpose(release.purpose) || (!release.parent.empty() && for_purpose(release.parent)));
}

int64_t WindowAt(absl::Time time, absl::Duration per) {
  return absl::ToUnixMicros(time) / absl::ToInt64Microseconds(per);
}

absl::Time BeginOf(int64_t window, absl::Duration per) { return absl::UnixEpoch() + window * per; }

bool IsOwnAccess(const authz::Policy& policy, const Release& release) {
  const auto of_subject = [&](std::string_view name) {
    const authz::RoleSpec* role = policy.FindRole(name);
    return role != nullptr && role->kind == authz::RoleKind::kSubject;
  };
  const auto& further = release.further_roles;
  return of_subject(release.role) && std::all_of(further.begin(), further.end(), of_subject);
}

std::string KeyOf(const TenantState& tenant, const Release& release,
                  const authz::BudgetSpec& budget) {
  const bool own = IsOwnAccess(*tenant.policy_in_force(), release);
  // With its length: windows of another one are no later or earlier ones of these.
  return absl::StrCat(tenant.name, "\nbudget\n", std::string(release.principal), "\n", budget.id,
                      "\n", absl::ToInt64Microseconds(budget.per), "\n",
                      std::string(own ? release.actor : std::string_view()));
}

// Whether the release is of the job.
bool IsOf(const storage::v1::JobRow& job, const Release& release) {
  return release.purpose == job.purpose() && release.principal == PrincipalName(job.principal()) &&
         release.time >= absl::FromUnixMicros(job.start_micros()) &&
         release.time < absl::FromUnixMicros(job.end_micros());
}

// How far the times of neighbours in the log may be out of order.
constexpr absl::Duration kDisorder = absl::Minutes(1);

// The first entry at or after `time`; LogEnd() where there is none.
absl::StatusOr<uint64_t> FirstEntryAt(const storage::Engine& engine, absl::Time time) {
  uint64_t low = 0;
  uint64_t high = engine.LogEnd().index;
  while (low < high) {
    const uint64_t middle = low + (high - low) / 2;
    const auto entries = engine.ReadEntries(middle, 1);
    if (!entries.ok()) return entries.status();
    if (entries->empty()) return absl::DataLossError("an entry of the log is missing");
    const auto body = ParseBody(entries->front());
    if (!body.ok()) return body.status();
    if (absl::FromUnixMicros(body->time_micros()) < time) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

}  // namespace

bool ReleasesValues(std::string_view method) {
  if (method == kIssue) return true;
  if (method.substr(0, kService.size()) != kService) return false;
  method.remove_prefix(kService.size());
  return std::find(kReleasing.begin(), kReleasing.end(), method) != kReleasing.end();
}

Release ReleaseOf(const storage::v1::EntryBody& entry) {
  Release release{entry.principal(),
                  entry.role(),
                  entry.purpose(),
                  {},
                  {},
                  0,
                  absl::FromUnixMicros(entry.time_micros())};
  release.actor = entry.on_behalf_of_ref();
  if (auto parent = entry.arguments().find("parent"); parent != entry.arguments().end()) {
    release.parent = parent->second;
  }
  const bool answered = entry.decision() == storage::v1::DECISION_GRANTED ||
                        entry.decision() == storage::v1::DECISION_PARTIAL;
  if (!answered || !ReleasesValues(entry.method())) return release;
  for (const storage::v1::EntryItem& item : entry.items()) {
    if (item.fields_size() == 0 || !item.reason().empty()) continue;
    ++release.records;
    auto& roles = release.further_roles;
    const std::string_view role = item.role();
    if (!role.empty() && std::find(roles.begin(), roles.end(), role) == roles.end()) {
      roles.push_back(role);
    }
  }
  return release;
}

VolumeBudgets::Taken::~Taken() {
  if (keys_.empty()) return;
  absl::MutexLock lock(&counts_->mu);
  for (const auto& [key, window] : keys_) {
    auto found = counts_->by_key.find(key);
    if (found == counts_->by_key.end() || found->second.window != window) continue;
    found->second.records -= std::min(found->second.records, records_);
  }
}

std::vector<VolumeBudgets::Limit> VolumeBudgets::LimitsOf(const TenantState& tenant,
                                                          const Release& release) const {
  const authz::Policy& policy = *tenant.policy_in_force();
  for (const storage::v1::JobRow& job : tenant.row.jobs()) {
    if (!IsOf(job, release)) continue;
    std::string key = absl::StrCat(tenant.name, "\njob\n", job.id());
    auto count = counts_->by_key.find(key);
    const uint64_t before = count == counts_->by_key.end() ? 0 : count->second.records;
    if (before + release.records > job.records()) continue;
    return {{std::move(key), 0, job.records(), absl::FromUnixMicros(job.end_micros())}};
  }
  std::vector<Limit> limits;
  for (const authz::BudgetSpec& budget : policy.budgets()) {
    if (!IsAbout(budget, policy, release)) continue;
    std::string key = KeyOf(tenant, release, budget);
    // A decision that is a little older than one that came before counts with that.
    auto count = counts_->by_key.find(key);
    const int64_t window = std::max(WindowAt(release.time, budget.per),
                                    count == counts_->by_key.end() ? 0 : count->second.window);
    limits.push_back({std::move(key), window, budget.records, BeginOf(window + 1, budget.per)});
  }
  return limits;
}

uint64_t& VolumeBudgets::CountOf(const Limit& limit) {
  BudgetCounts::Count& count = counts_->by_key[limit.key];
  if (count.window != limit.window) count = {limit.window, 0, limit.end};
  count.end = limit.end;
  return count.records;
}

void VolumeBudgets::Sweep(absl::Time now) {
  if (counts_->by_key.size() < sweep_at_) return;
  // Jobs and windows that are over; an hour for decisions that are late.
  absl::erase_if(counts_->by_key,
                 [now](const auto& count) { return count.second.end + absl::Hours(1) < now; });
  sweep_at_ = std::max(kSweepAt, 2 * counts_->by_key.size());
}

VolumeBudgets::Verdict VolumeBudgets::Take(const TenantState& tenant, const Release& release,
                                           bool even_beyond) {
  Verdict verdict;
  if (release.records == 0) return verdict;
  absl::MutexLock lock(&counts_->mu);
  Sweep(release.time);
  const std::vector<Limit> limits = LimitsOf(tenant, release);
  for (const Limit& limit : limits) {
    if (CountOf(limit) + release.records <= limit.most) continue;
    verdict.within = false;
    verdict.retry_after = std::max(verdict.retry_after, limit.end - release.time);
  }
  verdict.own = IsOwnAccess(*tenant.policy_in_force(), release);
  if (limits.empty() || (!verdict.within && !even_beyond)) return verdict;
  verdict.taken = std::shared_ptr<Taken>(new Taken());
  verdict.taken->counts_ = counts_;
  verdict.taken->records_ = release.records;
  for (const Limit& limit : limits) {
    CountOf(limit) += release.records;
    verdict.taken->keys_.emplace_back(limit.key, limit.window);
  }
  return verdict;
}

void VolumeBudgets::Add(const TenantState& tenant, const Release& release) {
  if (release.records == 0) return;
  absl::MutexLock lock(&counts_->mu);
  for (const Limit& limit : LimitsOf(tenant, release)) CountOf(limit) += release.records;
}

absl::Status VolumeBudgets::Rebuild(const storage::Engine& engine, const StateSnapshot& state,
                                    absl::Time now) {
  absl::Time from = absl::InfiniteFuture();
  absl::flat_hash_map<std::string, const TenantState*> tenants;  // whose policies have budgets
  for (const auto& [name, tenant] : state.tenants()) {
    const authz::Policy* policy = tenant->policy_in_force();
    if (policy == nullptr || policy->budgets().empty()) continue;
    tenants[TenantName(name)] = tenant.get();
    for (const authz::BudgetSpec& budget : policy->budgets()) {
      from = std::min(from, BeginOf(WindowAt(now, budget.per), budget.per));
    }
    for (const storage::v1::JobRow& job : tenant->row.jobs()) {
      from = std::min(from, absl::FromUnixMicros(job.start_micros()));
    }
  }
  if (tenants.empty()) return absl::OkStatus();
  absl::StatusOr<uint64_t> next = FirstEntryAt(engine, from - kDisorder);
  if (!next.ok()) return next.status();
  const uint64_t end = engine.LogEnd().index;
  while (*next < end) {
    const auto entries = engine.ReadEntries(*next, kReadEntries);
    if (!entries.ok()) return entries.status();
    if (entries->empty()) return absl::DataLossError("an entry of the log is missing");
    for (const storage::StoredEntry& entry : *entries) {
      const auto body = ParseBody(entry);
      if (!body.ok()) return body.status();
      auto tenant = tenants.find(body->tenant());
      if (tenant != tenants.end()) Add(*tenant->second, ReleaseOf(*body));
    }
    *next += entries->size();
  }
  return absl::OkStatus();
}

}  // namespace piivault::vault
