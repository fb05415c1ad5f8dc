// CountRecords.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "piivault/v1/vault_service.pb.h"
#include "vault/records/group_counts.h"
#include "vault/records/record_finder.h"
#include "vault/service/errors.h"
#include "vault/service/message_pace.h"
#include "vault/service/vault_call.h"
#include "vault/service/vault_handlers.h"
#include "vault/service/vault_page.h"

namespace piivault::vault {
namespace {

constexpr size_t kMaxGroupFields = 2;
// Records that one message goes over.
constexpr MessagePace::Sizes kRecordsPerMessage = {2'000, 500, 200};
// And bytes of their rows: others wait meanwhile.
constexpr size_t kBytesPerMessage = size_t{4} << 20;

// One message's way through the records of a type.
struct Step {
  std::optional<storage::RecordLocator> after;
  uint64_t examined = 0;  // from the first message on
  bool at_end = false;
};

// Goes over records, each by its own decision, and counts whom the purpose reaches.
class Counter {
 public:
  Counter(VaultCall& call, authz::TypeId type, const FieldIds& fields, GroupCounts* counts)
      : call_(call),
        type_(type),
        type_name_(call.policy().type(type).name),
        fields_(fields),
        counts_(*counts) {}

  // Up to `limit` records from `step` on. A refusal, or nothing.
  std::optional<Plan> Run(size_t limit, Step* step) {
    RecordFinder finder(call_.deps().engine, call_.scope(), &call_.changes());
    NewItem();
    size_t bytes = 0;
    for (size_t done = 0; done < limit && bytes < kBytesPerMessage;) {
      const size_t wanted = std::min(kLoadSlice, limit - done);
      absl::StatusOr<std::vector<storage::RecordLocator>> hits =
          finder.FindType(type_name_, step->after.has_value() ? &*step->after : nullptr, wanted);
      if (!hits.ok()) return Refuse(ReasonOf(hits.status()));
      absl::StatusOr<std::vector<LoadResult>> loaded =
          LoadRecords(call_.deps().engine, call_.scope(), *hits, &call_.changes());
      if (!loaded.ok()) return Refuse(ReasonOf(loaded.status()));
      for (LoadResult& result : *loaded) {
        call_.Yield();
        if (result.ok()) bytes += result.record->row.size();
        const authz::Reason reason = Count(result);
        if (reason != authz::Reason::kOk) return Refuse(reason);
      }
      done += hits->size();
      step->examined += hits->size();
      if (!hits->empty()) step->after = hits->back();
      if (hits->size() < wanted) {
        step->at_end = true;
        break;
      }
    }
    return std::nullopt;
  }

 private:
  // The entry says what is counted by, also where nobody is.
  storage::v1::EntryItem* NewItem() {
    storage::v1::EntryItem* const item = call_.entry().add_items();
    for (authz::FieldId field : fields_) item->add_fields(call_.policy().field(field).full_name);
    return item;
  }

  // What was to be counted by stays in the entry; that somebody was counted does not.
  Plan Refuse(authz::Reason reason) {
    call_.entry().clear_items();
    NewItem();
    return call_.Refuse(reason);
  }

  // What was counted by one role: the call's has no name here.
  storage::v1::EntryItem* ItemOf(std::string_view role) {
    for (storage::v1::EntryItem& item : *call_.entry().mutable_items()) {
      if (item.role() == role) return &item;
    }
    return NewItem();
  }

  authz::Reason Count(LoadResult& result) {
    if (result.reason == authz::Reason::kSubjectErased) return authz::Reason::kOk;
    if (result.reason == authz::Reason::kDataLoss) return result.reason;
    if (!result.ok() || result.record->type() != type_name_) {
      CountStray(call_);
      return authz::Reason::kOk;
    }
    LoadedRecord& record = *result.record;
    const PersonDecision decision = call_.Decide(authz::Verb::kAggregate, type_, fields_, record);
    if (!decision.granted()) return authz::Reason::kOk;
    storage::v1::EntryItem* const item = ItemOf(call_.OtherRole(decision));
    call_.Describe(decision, item);
    AddGrants(decision, item);
    GroupLabel label;
    for (authz::FieldId field : fields_) {
      absl::StatusOr<SecretBytes> value = ValueOf(call_.policy().field(field), record);
      if (!value.ok()) return authz::Reason::kDataLoss;
      label.push_back(*std::move(value));
    }
    if (!counts_.Add(record.identity.subject, std::move(label))) {
      return authz::Reason::kTooManyGroups;
    }
    item->set_counted_records(item->counted_records() + 1);
    return authz::Reason::kOk;
  }

  // Normalised; empty where the record has none.
  absl::StatusOr<SecretBytes> ValueOf(const authz::FieldSpec& field, LoadedRecord& record) const {
    const std::optional<RecordField> stored = record.reader->Field(field.name);
    if (!stored.has_value() || stored->absent || stored->one_way) return SecretBytes();
    absl::StatusOr<SecretBytes> value = record.reader->DecryptField(*stored);
    if (!value.ok()) return value;
    return call_.deps().rules.NormalizeForSearch(field.semantic, value->view());
  }

  static void AddGrants(const PersonDecision& decision, storage::v1::EntryItem* item) {
    for (const authz::FieldDecision& field : decision.fields) {
      const auto& known = item->grants();
      const bool is_new = std::find(known.begin(), known.end(), field.grant->id) == known.end();
      if (is_new) item->add_grants(field.grant->id);
    }
  }

  VaultCall& call_;
  const authz::TypeId type_;
  const std::string& type_name_;
  const FieldIds& fields_;
  GroupCounts& counts_;
};

class CountRecordsHandler : public Handler {
 public:
  explicit CountRecordsHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::CountRecordsRequest>(context);
    VaultCall call(context, deps_);
    if (auto refused = call.Open(request.parent(), &request.usage())) return *std::move(refused);
    const FieldNames names = NamesOf(request.group_by());
    if (auto refused = call.CheckFieldNames(names, true)) return *std::move(refused);
    if (names.size() > kMaxGroupFields) return call.Refuse(authz::Reason::kMalformedRequest);
    const authz::TypeId type = call.policy().FindType(request.type());
    FieldIds ids;
    call.ResolveFields(type, names, &ids);
    if (auto refused = call.DecideType(authz::Verb::kAggregate, type, ids, false)) {
      return *std::move(refused);
    }
    // Everybody is counted under one policy.
    if (policy_.empty()) policy_ = call.policy().hash_hex();
    if (policy_ != call.policy().hash_hex()) return call.Refuse(authz::Reason::kConflict);
    counts_.Rollback();
    next_ = place_;
    Counter counter(call, type, ids, &counts_);
    if (auto refused = counter.Run(pace_.Next(context.attempt), &next_)) {
      return *std::move(refused);
    }
    auto* response = NewResponse<v1::CountRecordsResponse>(context);
    if (next_.at_end) {
      Fill(counts_.Summarize(call.policy().aggregates()), response);
    } else {
      response->set_examined_records(static_cast<int64_t>(next_.examined));
    }
    return call.Finish(response);
  }

  void Committed(const storage::LogPosition*) override {
    place_ = next_;
    pace_.Committed();
    counts_.Commit();
  }
  bool HasMore() const override { return !place_.at_end; }

 private:
  static void Fill(const GroupSummary& summary, v1::CountRecordsResponse* response) {
    response->set_complete(true);
    for (const GroupSummary::Group& group : summary.groups) {
      v1::CountRecordsResponse::Group* out = response->add_groups();
      for (const SecretBytes& value : *group.label) {
        out->add_values(value.view().data(), value.size());
      }
      out->set_persons(group.persons);
    }
    response->set_other_persons(summary.other_persons);
  }

  const VaultDependencies& deps_;
  // Of the messages that are durable.
  Step place_;
  GroupCounts counts_;
  Step next_;
  MessagePace pace_{kRecordsPerMessage};
  std::string policy_;  // hash of the one that was in force at the first message
};

}  // namespace

std::unique_ptr<Handler> NewCountRecords(const VaultDependencies& dependencies) {
  return std::make_unique<CountRecordsHandler>(dependencies);
}

}  // namespace piivault::vault
