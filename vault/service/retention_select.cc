// SelectDestruction.
#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "vault/records/record_finder.h"
#include "vault/retention/record_times.h"
#include "vault/retention/retained_fields.h"
#include "vault/service/retention_handlers.h"
#include "vault/service/vault_call.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

// Records that one call looks at.
constexpr size_t kMaxLookedAt = 5'000;

class SelectDestructionHandler : public Handler {
 public:
  explicit SelectDestructionHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::SelectDestructionRequest>(context);
    VaultCall call(context, deps_);
    const std::optional<SubjectName> subject = ParseSubjectName(request.parent());
    if (auto refused = subject.has_value() ? call.OpenTenant(subject->tenant, &request.usage())
                                           : call.Open(request.parent(), &request.usage())) {
      return *std::move(refused);
    }
    if (auto refused = call.DecideTenant(authz::Verb::kSelectDestruction)) {
      return *std::move(refused);
    }
    const std::string& person = call.session().caller()->row.person();
    if (person.empty()) return call.Refuse(authz::Reason::kPersonUnknown);
    v1::SelectDestructionRequest page = request;
    page.clear_page_token();
    std::optional<storage::RecordLocator> after;
    if (auto refused = call.OpenPage(page, request.page_token(), 0, &after)) {
      return *std::move(refused);
    }
    auto* response = NewResponse<v1::SelectDestructionResponse>(context);
    DestructionRow row;
    std::optional<storage::RecordLocator> next;
    if (absl::Status looked = Look(call, subject, after, &row, response, &next); !looked.ok()) {
      return call.Refuse(looked);
    }
    if (next.has_value()) response->set_next_page_token(call.SealPage(*next));
    call.entry().set_count(static_cast<uint64_t>(response->looked_at()));
    if (row.items_size() == 0) return call.Finish(response);
    const storage::Id128 id = NewDestructionId(call.now(), deps_.random);
    row.set_id(std::string(id.view()));
    row.set_policy_sha256(call.policy().hash());
    row.set_selector(std::string(call.session().principal_name()));
    row.set_selector_person(person);
    row.set_select_micros(absl::ToUnixMicros(call.now()));
    PutDestruction(call.scope().keys(), deps_.random, call.tenant_id(), &row, &call.changes());
    call.changes().reads.push_back(EpochCell());
    FillDestruction(call.tenant_id(), row, response->mutable_destruction());
    call.entry().set_resource(response->destruction().name());
    (*call.entry().mutable_arguments())["sha256"] = response->destruction().sha256();
    return call.Finish(response);
  }

 private:
  // What was looked at is not in the read set: an approval looks again.
  absl::Status Look(VaultCall& call, const std::optional<SubjectName>& subject,
                    std::optional<storage::RecordLocator> after, DestructionRow* row,
                    v1::SelectDestructionResponse* response,
                    std::optional<storage::RecordLocator>* next) {
    size_t looked = 0;
    for (;;) {
      ChangeSet seen;
      absl::StatusOr<std::vector<storage::RecordLocator>> locators =
          subject.has_value()
              ? RecordFinder(deps_.engine, call.scope(), &seen)
                    .FindSubject(subject->subject, after.has_value() ? &after->record : nullptr,
                                 kLoadSlice)
              : RecordFinder(deps_.engine, call.scope(), &seen)
                    .FindAll(after.has_value() ? &*after : nullptr, kLoadSlice);
      if (!locators.ok()) return locators.status();
      if (locators->empty()) return absl::OkStatus();
      absl::StatusOr<std::vector<LoadResult>> loaded =
          LoadRecords(deps_.engine, call.scope(), *locators, &seen);
      if (!loaded.ok()) return loaded.status();
      for (size_t i = 0; i < loaded->size(); ++i) {
        if (row->items_size() == kMaxDestructionItems || looked == kMaxLookedAt) {
          *next = after;
          return absl::OkStatus();
        }
        ++looked;
        after = (*locators)[i];
        response->set_looked_at(response->looked_at() + 1);
        const LoadResult& result = (*loaded)[i];
        if (result.reason == authz::Reason::kDataLoss) {
          response->set_damaged(response->damaged() + 1);
        }
        if (result.ok()) Add(call, *result.record, row);
      }
      call.Yield();
    }
  }

  // Fields that are due and that somebody has to approve; what goes by itself is left to itself.
  static void Add(VaultCall& call, const LoadedRecord& record, DestructionRow* row) {
    if (record.subject.row.use().erase_micros() != 0) return;
    if (!call.Decide(authz::Verb::kSelectDestruction, authz::kNoType, {}, record.subject)
             .granted()) {
      return;
    }
    DestructionRow::Item item;
    absl::Time due = absl::InfinitePast();
    std::string_view approval;
    for (const RetainedField& one : RetainedFields(call.policy(), record)) {
      if (!one.times.DueAt(call.vouched())) continue;
      const std::string_view role = authz::ApprovalOf(call.policy(), one.times.rule);
      // What another role has to approve is for another list, when this has gone.
      if (approval.empty()) approval = role;
      if (role.empty() || role != approval) continue;
      item.add_fields(one.field->name);
      item.add_rules(one.times.rule == nullptr ? std::string() : one.times.rule->id);
      due = std::max(due, one.times.due);
    }
    if (item.fields_size() == 0) return;
    item.set_subject(std::string(record.identity.subject.view()));
    item.set_record(std::string(record.identity.record.view()));
    item.set_subject_ref(record.subject.row.subject_ref());
    item.set_record_ref(record.header().record_ref());
    item.set_type(std::string(record.type()));
    item.set_due_micros(MicrosOrZero(due));
    storage::v1::EntryItem& entry = *call.AddItem(&record);
    for (const std::string& field : item.fields()) {
      entry.add_fields(Concat({record.type(), ".", field}));
    }
    *row->add_items() = std::move(item);
  }

  const VaultDependencies& deps_;
};

}  // namespace

std::unique_ptr<Handler> NewSelectDestruction(const VaultDependencies& dependencies) {
  return std::make_unique<SelectDestructionHandler>(dependencies);
}

}  // namespace piivault::vault
