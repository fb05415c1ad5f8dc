#include "vault/service/vault_replay.h"

#include <algorithm>
#include <optional>

#include "vault/records/record_loader.h"

namespace piivault::vault {
namespace {

// Loaded at a time.
constexpr size_t kSlice = 64;

authz::Reason JudgeItem(VaultCall& call, authz::Verb verb, const ReplayItem& item,
                        const LoadResult& loaded) {
  if (!loaded.ok()) {
    // What an erasure has left is nobody's business.
    const authz::Reason reason =
        loaded.reason == authz::Reason::kSubjectErased ? authz::Reason::kNotFound : loaded.reason;
    call.AddFailedItem(reason);
    return reason;
  }
  const LoadedRecord& record = *loaded.record;
  if (item.intake->reason != authz::Reason::kOk) {
    call.AddFailedItem(item.intake->reason, &record);
    return item.intake->reason;
  }
  PersonFacts person(call.tenant_id(), record, call.policy(), call.now());
  // Who registers somebody new did not name the person, and cannot act for the person yet.
  if (verb == authz::Verb::kCreate && item.request->subject.empty()) person.set_made_by_call();
  const PersonDecision decision =
      call.Decide(IntakeInput(call, verb, *item.request, *item.intake), person);
  if (!decision.granted()) {
    call.AddFailedItem(decision.reason, &record);
    return decision.reason;
  }
  storage::v1::EntryItem* const entry_item = call.AddItem(&record);
  call.Describe(decision, entry_item);
  call.AddFields(decision, entry_item);
  return authz::Reason::kOk;
}

}  // namespace

absl::StatusOr<std::vector<authz::Reason>> JudgeReplay(VaultCall& call, authz::Verb verb,
                                                       absl::Span<const ReplayItem> items) {
  std::vector<authz::Reason> reasons;
  reasons.reserve(items.size());
  std::vector<storage::RecordLocator> locators;
  while (reasons.size() < items.size()) {
    const absl::Span<const ReplayItem> slice = items.subspan(reasons.size(), kSlice);
    locators.clear();
    for (const ReplayItem& item : slice) {
      if (item.name->empty()) continue;
      const std::optional<RecordName> name = ParseRecordName(*item.name);
      if (!name.has_value() || name->by_ref || name->tenant != call.tenant_id()) {
        return authz::ReasonStatus(authz::Reason::kDataLoss);
      }
      locators.push_back({name->subject, name->record});
    }
    absl::StatusOr<std::vector<LoadResult>> loaded =
        LoadRecords(call.deps().engine, call.scope(), locators, &call.changes());
    if (!loaded.ok()) return loaded.status();
    size_t next = 0;
    for (const ReplayItem& item : slice) {
      if (item.name->empty()) {
        const auto reason = authz::FindReason(item.failure->reason());
        reasons.push_back(reason.value_or(authz::Reason::kDataLoss));
        call.AddFailedItem(reasons.back());
        continue;
      }
      reasons.push_back(JudgeItem(call, verb, item, (*loaded)[next++]));
    }
  }
  return reasons;
}

}  // namespace piivault::vault
