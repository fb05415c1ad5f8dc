// ApproveDestruction, RejectDestruction.
#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "vault/retention/destroyer.h"
#include "vault/retention/retained_fields.h"
#include "vault/service/errors.h"
#include "vault/service/retention_handlers.h"
#include "vault/service/vault_call.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

using authz::Reason;

// The list, which has to wait for a decision. A refusal, or nothing.
std::optional<Plan> OpenList(VaultCall& call, std::string_view name, const v1::Usage& usage,
                             DestructionRow* row) {
  const std::optional<TenantIdName> parsed = ParseDestructionName(name);
  if (auto refused =
          call.OpenTenant(parsed.has_value() ? parsed->tenant : std::string_view(), &usage)) {
    return refused;
  }
  if (auto refused = call.DecideTenant(authz::Verb::kApproveDestruction)) return refused;
  absl::StatusOr<std::optional<DestructionRow>> loaded = LoadDestruction(
      call.deps().engine, call.scope().keys(), call.tenant_id(), parsed->id, &call.changes());
  if (!loaded.ok()) return call.Refuse(loaded.status());
  if (!loaded->has_value()) return call.Refuse(Reason::kNotFound);
  *row = **std::move(loaded);
  call.entry().set_resource(std::string(name));
  if (call.session().caller()->row.person().empty()) return call.Refuse(Reason::kPersonUnknown);
  if (row->decide_micros() != 0) return call.Refuse(Reason::kProposalStale);
  return std::nullopt;
}

// Marks it as decided by the caller, and takes the names of people and records out of it.
void Decide(VaultCall& call, DestructionRow* row) {
  row->set_decider(std::string(call.session().principal_name()));
  row->set_decider_person(call.session().caller()->row.person());
  row->set_decide_micros(absl::ToUnixMicros(call.now()));
  for (DestructionRow::Item& item : *row->mutable_items()) {
    item.clear_subject();
    item.clear_record();
  }
  PutDestruction(call.scope().keys(), call.deps().random, call.tenant_id(), row, &call.changes());
  call.changes().reads.push_back(EpochCell());
}

class ApproveDestructionHandler : public Handler {
 public:
  explicit ApproveDestructionHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::ApproveDestructionRequest>(context);
    VaultCall call(context, deps_);
    DestructionRow row;
    if (auto refused = OpenList(call, request.name(), request.usage(), &row)) {
      return *std::move(refused);
    }
    // By whatever certificate, and whoever that principal belongs to by now.
    const std::string& person = call.session().caller()->row.person();
    call.session().AddRead(PrincipalCell(row.selector()));
    const PrincipalState* const selector = call.session().state().FindPrincipal(row.selector());
    if (person == row.selector_person() || call.session().principal_name() == row.selector() ||
        (selector != nullptr && selector->row.person() == person)) {
      return call.Refuse(Reason::kProposalSelfApproval);
    }
    // Of what was shown, by the policy by which it was selected, and of nothing else.
    if (request.sha256() != ToHex(AsView(DestructionHash(call.tenant_id(), row)))) {
      return call.Refuse(Reason::kProposalStale, {"sha256"});
    }
    if (row.policy_sha256() != call.policy().hash()) return call.Refuse(Reason::kProposalStale);
    (*call.entry().mutable_arguments())["sha256"] = request.sha256();
    if (absl::Status done = DestroyAll(call, &row); !done.ok()) {
      return call.RefuseAll(ReasonOf(done));
    }
    Decide(call, &row);
    auto* response = NewResponse<v1::ApproveDestructionResponse>(context);
    FillDestruction(call.tenant_id(), row, response->mutable_destruction());
    return call.Finish(response);
  }

 private:
  // All of the list, each item wholly or not at all: what is not due any more, is kept by a law by
  // now, or does not open, stays.
  static absl::Status DestroyAll(VaultCall& call, DestructionRow* row) {
    const ChangeSet before = call.changes();
    std::set<int> damaged;
    for (;;) {
      call.changes() = before;
      call.entry().clear_items();
      std::optional<int> failed;
      const absl::Status done = Destroy(call, damaged, row, &failed);
      if (!failed.has_value()) return done;
      damaged.insert(*failed);
    }
  }

  // The same without those that are known to be damaged. One more: `*failed`, and all is to be
  // planned anew, as something of it may be planned already.
  static absl::Status Destroy(VaultCall& call, const std::set<int>& damaged, DestructionRow* row,
                              std::optional<int>* failed) {
    Destroyer destroyer(call.writer_deps(), call.scope(), call.policy(), call.vouched(),
                        &call.changes());
    for (int begin = 0; begin < row->items_size(); begin += static_cast<int>(kLoadSlice)) {
      const int end = std::min(row->items_size(), begin + static_cast<int>(kLoadSlice));
      std::vector<storage::RecordLocator> locators;
      for (int i = begin; i < end; ++i) {
        const auto subject = storage::Id128::FromBytes(row->items(i).subject());
        const auto record = storage::Id128::FromBytes(row->items(i).record());
        if (!subject.has_value() || !record.has_value()) {
          return authz::ReasonStatus(Reason::kDataLoss);
        }
        locators.push_back({*subject, *record});
      }
      absl::StatusOr<std::vector<LoadResult>> loaded =
          LoadRecords(call.deps().engine, call.scope(), locators, &call.changes());
      if (!loaded.ok()) return loaded.status();
      for (int i = begin; i < end; ++i) {
        LoadResult& result = (*loaded)[static_cast<size_t>(i - begin)];
        if (damaged.contains(i)) result = {Reason::kDataLoss, nullptr};
        const absl::StatusOr<Reason> kept =
            DestroyItem(call, &result, *row->mutable_items(i), &destroyer);
        if (absl::IsDataLoss(kept.status())) *failed = i;
        if (!kept.ok()) return kept.status();
        if (*kept != Reason::kOk) row->mutable_items(i)->set_kept(std::string(ReasonName(*kept)));
      }
      call.Yield();
    }
    return destroyer.Finish();
  }

  static bool IsHeld(VaultCall& call, const LoadedRecord& record, std::string_view field) {
    const auto held = HeldFields(call.policy(), record, call.vouched());
    return std::any_of(held.begin(), held.end(),
                       [&](const RetainedField& one) { return one.field->name == field; });
  }

  // Why it stays; kOk for what is destroyed.
  static absl::StatusOr<Reason> DestroyItem(VaultCall& call, LoadResult* result,
                                            const DestructionRow::Item& item,
                                            Destroyer* destroyer) {
    if (!result->ok()) {
      const bool gone = result->reason == Reason::kSubjectErased;
      call.AddFailedItem(result->reason);
      return gone ? Reason::kNotFound : result->reason;
    }
    LoadedRecord* const record = result->record.get();
    if (record->header().record_ref() != item.record_ref()) {
      call.AddFailedItem(Reason::kDataLoss);
      return Reason::kDataLoss;
    }
    const PersonDecision decision =
        call.Decide(authz::Verb::kApproveDestruction, authz::kNoType, {}, record->subject);
    if (!decision.granted()) {
      call.AddFailedItem(decision.reason, record);
      return decision.reason;
    }
    if (record->subject.row.use().erase_micros() != 0) {
      // What is left of this one goes by itself, and the person with the last of it.
      call.AddFailedItem(Reason::kSubjectErased, record);
      return Reason::kSubjectErased;
    }
    std::vector<RetainedField> due = RetainedFields(call.policy(), *record);
    std::erase_if(due,
                  [&](const RetainedField& field) { return !field.times.DueAt(call.vouched()); });
    std::vector<std::string_view> names;
    for (const std::string& name : item.fields()) {
      const auto found = std::find_if(due.begin(), due.end(), [&name](const RetainedField& field) {
        return field.field->name == name;
      });
      if (found == due.end()) {
        const Reason why =
            IsHeld(call, *record, name) ? Reason::kRetentionHold : Reason::kProposalStale;
        call.AddFailedItem(why, record);
        return why;
      }
      // The rule may ask for another role than the one that the caller acts with.
      const std::string_view role = authz::ApprovalOf(call.policy(), found->times.rule);
      if (!role.empty() && role != decision.role->name) {
        call.AddFailedItem(Reason::kOperationNotGranted, record);
        return Reason::kOperationNotGranted;
      }
      names.push_back(name);
    }
    const absl::StatusOr<uint64_t> version = destroyer->Destroy(record, names);
    if (!version.ok()) return version.status();
    storage::v1::EntryItem& entry = *call.AddItem(record);
    entry.set_version(*version);
    for (const std::string_view name : names) {
      entry.add_fields(Concat({record->type(), ".", name}));
    }
    return Reason::kOk;
  }

  const VaultDependencies& deps_;
};

class RejectDestructionHandler : public Handler {
 public:
  explicit RejectDestructionHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::RejectDestructionRequest>(context);
    VaultCall call(context, deps_);
    DestructionRow row;
    if (auto refused = OpenList(call, request.name(), request.usage(), &row)) {
      return *std::move(refused);
    }
    row.set_rejected(true);
    Decide(call, &row);
    auto* response = NewResponse<v1::RejectDestructionResponse>(context);
    FillDestruction(call.tenant_id(), row, response->mutable_destruction());
    return call.Finish(response);
  }

 private:
  const VaultDependencies& deps_;
};

}  // namespace

std::unique_ptr<Handler> NewApproveDestruction(const VaultDependencies& dependencies) {
  return std::make_unique<ApproveDestructionHandler>(dependencies);
}
std::unique_ptr<Handler> NewRejectDestruction(const VaultDependencies& dependencies) {
  return std::make_unique<RejectDestructionHandler>(dependencies);
}

}  // namespace piivault::vault
