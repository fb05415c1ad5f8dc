// RevealRecord, BatchRevealRecords, Detokenize.
#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "piivault/v1/vault_service.pb.h"
#include "vault/keys/tokens.h"
#include "vault/records/record_finder.h"
#include "vault/service/errors.h"
#include "vault/service/vault_call.h"
#include "vault/service/vault_handlers.h"
#include "vault/service/vault_named_record.h"

namespace piivault::vault {
namespace {

class RevealRecordHandler : public Handler {
 public:
  explicit RevealRecordHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::RevealRecordRequest>(context);
    VaultCall call(context, deps_);
    NamedRecord named;
    if (auto refused = OpenNamedRecord(call, authz::Verb::kReveal, request, &named)) {
      return *std::move(refused);
    }
    LoadedRecord& record = *named.record;
    const PersonDecision& decision = named.decision;
    WireWriter response;
    absl::Status released = ReleaseRecord(call, decision, &record, Denied::kNamed,
                                          v1::RevealRecordResponse::kRecordFieldNumber, &response);
    if (!released.ok()) return call.Refuse(released);
    call.Describe(decision);
    call.AddFields(decision, call.AddItem(&record));
    if (!decision.granted()) call.MarkPartial(decision.reason);
    return call.Finish(std::move(response));
  }

 private:
  const VaultDependencies& deps_;
};

// What became of one name of a batch.
struct Answered {
  authz::Reason reason = authz::Reason::kOk;  // what kept it, or a part of it, from being released
  bool released = false;
  size_t begin = 0;  // its result in the response
  size_t end = 0;
};

// Says in the entry that not all was released: the first reason stands for the whole.
void MarkFailures(VaultCall& call, const std::vector<Answered>& answered) {
  const auto failure = std::find_if(answered.begin(), answered.end(), [](const Answered& item) {
    return item.reason != authz::Reason::kOk;
  });
  if (failure == answered.end()) return;
  call.MarkPartial(failure->reason,
                   std::any_of(answered.begin(), answered.end(),
                               [](const Answered& item) { return item.released; }));
}

// One name of a batch: what it led to, or the decision that it may not be looked up.
struct Item {
  LoadResult loaded;
  std::optional<authz::Decision> refusal;
};

class BatchRevealRecordsHandler : public Handler {
  using Response = v1::BatchRevealRecordsResponse;
  using Result = Response::Result;

 public:
  explicit BatchRevealRecordsHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::BatchRevealRecordsRequest>(context);
    VaultCall call(context, deps_);
    if (auto refused = call.Open(request.parent(), &request.usage())) return *std::move(refused);
    if (request.names().empty()) return call.Refuse(authz::Reason::kMalformedRequest);
    if (request.names_size() > kMaxItems) return call.Refuse(authz::Reason::kBatchTooLarge);
    const FieldNames names = NamesOf(request.fields());
    if (auto refused = call.CheckFieldNames(names, true)) return *std::move(refused);
    if (auto refused = call.DecideAnyType(authz::Verb::kReveal, names, request.allow_partial())) {
      return *std::move(refused);
    }
    const std::vector<int> first = FirstPlaces(request.names());
    WireWriter response;
    std::vector<Answered> answered;
    answered.reserve(first.size());
    std::vector<Item> items;  // of the slice at hand
    for (int i = 0; i < request.names_size(); ++i) {
      call.Yield();
      const size_t place = static_cast<size_t>(i);
      if (place % kLoadSlice == 0) {
        absl::Status resolved = ResolveSlice(call, request, names, first, i, &items);
        if (!resolved.ok()) return call.Refuse(resolved);
      }
      if (first[place] != i) {
        const Answered& before = answered[static_cast<size_t>(first[place])];
        response.Repeat(before.begin, before.end);
        *call.entry().add_items() = call.entry().items(first[place]);
        answered.push_back(before);
      } else {
        const size_t begin = response.size();
        const size_t result = response.Open(Response::kResultsFieldNumber);
        response.AddBytes(Result::kNameFieldNumber, request.names(i));
        Answered answer =
            RevealItem(call, names, request.allow_partial(), &items[place % kLoadSlice], &response);
        response.Close(result);
        answer.begin = begin;
        answer.end = response.size();
        answered.push_back(answer);
      }
      if (response.size() > kMaxAnswerBytes) return call.RefuseAll(authz::Reason::kBatchTooLarge);
    }
    MarkFailures(call, answered);
    return call.Finish(std::move(response));
  }

 private:
  // What the names from `begin` on lead to, those that were not there before; those that are
  // malformed or of another tenant are not found.
  static absl::Status ResolveSlice(VaultCall& call, const v1::BatchRevealRecordsRequest& request,
                                   const FieldNames& fields, const std::vector<int>& first,
                                   int begin, std::vector<Item>* out) {
    std::vector<Item>& items = *out;
    items.clear();
    items.resize(kLoadSlice);
    std::vector<storage::RecordLocator> locators;
    std::vector<size_t> places;
    const int end = std::min(request.names_size(), begin + static_cast<int>(kLoadSlice));
    for (int i = begin; i < end; ++i) {
      if (first[static_cast<size_t>(i)] != i) continue;
      const std::optional<RecordName> name = ParseRecordName(request.names(i));
      const size_t place = static_cast<size_t>(i - begin);
      if (!name.has_value() || name->tenant != call.tenant_id()) {
        if (!name.has_value()) items[place].loaded.reason = authz::Reason::kMalformedRequest;
        continue;
      }
      if (name->by_ref) {
        authz::Decision decision = call.DecideOnlyType(authz::Verb::kReveal, fields, name->type);
        if (!decision.granted() && !(request.allow_partial() && decision.partial())) {
          items[place].refusal = std::move(decision);
          continue;
        }
        absl::StatusOr<LoadResult> result = call.Resolve(*name);
        if (!result.ok()) return result.status();
        items[place].loaded = *std::move(result);
        continue;
      }
      locators.push_back({name->subject, name->record});
      places.push_back(place);
    }
    absl::StatusOr<std::vector<LoadResult>> loaded =
        LoadRecords(call.deps().engine, call.scope(), locators, &call.changes());
    if (!loaded.ok()) return loaded.status();
    for (size_t i = 0; i < places.size(); ++i) {
      LoadResult& result = (*loaded)[i];
      if (result.reason == authz::Reason::kSubjectErased) result.reason = authz::Reason::kNotFound;
      items[places[i]].loaded = std::move(result);
    }
    return absl::OkStatus();
  }

  static Answered RevealItem(VaultCall& call, const FieldNames& names, bool allow_partial,
                             Item* wanted, WireWriter* result) {
    if (wanted->refusal.has_value()) {
      const authz::Decision& refusal = *wanted->refusal;
      Deny(call, refusal.reason, refusal, call.AddItem(nullptr), result);
      return {refusal.reason};
    }
    LoadResult& loaded = wanted->loaded;
    if (!loaded.ok()) {
      call.AddFailedItem(loaded.reason);
      AddFailure(loaded.reason, {}, Result::kFailureFieldNumber, result);
      return {loaded.reason};
    }
    LoadedRecord& record = *loaded.record;
    const authz::TypeId type = call.policy().FindType(record.type());
    FieldIds ids;
    call.ResolveFields(type, names, &ids);
    const PersonDecision decision = call.Decide(authz::Verb::kReveal, type, ids, record);
    storage::v1::EntryItem* item = call.AddItem(&record);
    authz::Reason reason = decision.reason;
    if (decision.granted() || (allow_partial && decision.partial())) {
      absl::Status released = ReleaseRecord(call, decision, &record, Denied::kNamed,
                                            Result::kRecordFieldNumber, result);
      if (released.ok()) {
        call.Describe(decision, item);
        call.AddFields(decision, item);
        return {reason, true};
      }
      reason = ReasonOf(released);
    }
    Deny(call, reason, decision, item, result);
    return {reason};
  }

  // Says in the entry and in the answer why an item is not released.
  static void Deny(const VaultCall& call, authz::Reason reason, const authz::Decision& decision,
                   storage::v1::EntryItem* item, WireWriter* result) {
    const std::string_view text = authz::ReasonName(reason);
    item->set_reason(text.data(), text.size());
    for (std::string& denied : call.DeniedFields(decision)) {
      item->add_denied_fields(std::move(denied));
    }
    FieldNames names;
    for (const authz::FieldDecision& field : decision.fields) {
      if (field.view == authz::View::kDenied && field.field != authz::kNoField) {
        names.push_back(call.policy().field(field.field).name);
      }
    }
    AddFailure(reason, names, Result::kFailureFieldNumber, result);
  }

  const VaultDependencies& deps_;
};

class DetokenizeHandler : public Handler {
  using Response = v1::DetokenizeResponse;
  using Result = Response::Result;

 public:
  explicit DetokenizeHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::DetokenizeRequest>(context);
    VaultCall call(context, deps_);
    if (auto refused = call.Open(request.parent(), &request.usage())) return *std::move(refused);
    if (request.tokens().empty()) return call.Refuse(authz::Reason::kMalformedRequest);
    if (request.tokens_size() > kMaxItems) return call.Refuse(authz::Reason::kBatchTooLarge);
    if (auto refused = DecideBeforeLookUp(call)) return *std::move(refused);

    const std::vector<int> first = FirstPlaces(request.tokens());
    std::vector<storage::Id128> tokens;
    std::vector<int> places;
    for (int i = 0; i < request.tokens_size(); ++i) {
      if (first[static_cast<size_t>(i)] != i) continue;
      const std::optional<storage::Id128> token = ParseToken(request.tokens(i));
      if (!token.has_value()) continue;
      tokens.push_back(*token);
      places.push_back(i);
    }
    RecordFinder finder(deps_.engine, call.scope(), &call.changes());
    std::vector<TokenTarget> targets;
    targets.reserve(tokens.size());
    size_t located = 0;
    while (targets.size() < tokens.size()) {
      call.Yield();
      absl::StatusOr<std::vector<TokenTarget>> found =
          finder.FindTokens(absl::MakeConstSpan(tokens).subspan(targets.size(), kLoadSlice));
      if (!found.ok()) return call.Refuse(found.status());
      for (TokenTarget& target : *found) {
        located += target.records.size();
        targets.push_back(std::move(target));
      }
      if (located > kMaxLocators) return call.Refuse(authz::Reason::kBatchTooLarge);
    }

    WireWriter response;
    std::vector<Answered> answered;
    answered.reserve(first.size());
    size_t next = 0;
    Loaded loaded;
    for (int i = 0; i < request.tokens_size(); ++i) {
      call.Yield();
      const int before = first[static_cast<size_t>(i)];
      if (before != i) {
        const Answered& same = answered[static_cast<size_t>(before)];
        response.Repeat(same.begin, same.end);
        *call.entry().add_items() = call.entry().items(before);
        answered.push_back(same);
      } else {
        const size_t begin = response.size();
        const size_t result = response.Open(Response::kResultsFieldNumber);
        response.AddBytes(Result::kTokenFieldNumber, request.tokens(i));
        authz::Reason reason = authz::Reason::kTokenInvalid;
        if (next < places.size() && places[next] == i) {
          absl::Status ready = loaded.Reach(call, targets, next);
          if (!ready.ok()) return call.Refuse(ready);
          const absl::StatusOr<authz::Reason> revealed =
              RevealToken(call, tokens[next], targets[next], next, &loaded, &response);
          if (!revealed.ok()) return call.Refuse(revealed.status());
          reason = *revealed;
          ++next;
        } else {
          call.AddFailedItem(reason);
        }
        if (reason != authz::Reason::kOk) {
          AddFailure(reason, {}, Result::kFailureFieldNumber, &response);
        }
        response.Close(result);
        answered.push_back({reason, reason == authz::Reason::kOk, begin, response.size()});
      }
      if (response.size() > kMaxAnswerBytes) return call.RefuseAll(authz::Reason::kBatchTooLarge);
    }
    MarkFailures(call, answered);
    return call.Finish(std::move(response));
  }

 private:
  // The records of some tokens, a slice at a time: the first of each, the others where they are
  // asked for.
  class Loaded {
   public:
    // Loads the first of `index` and of what follows, unless it is here.
    absl::Status Reach(VaultCall& call, const std::vector<TokenTarget>& targets, size_t index) {
      if (index < begin_ + records_.size()) return absl::OkStatus();
      begin_ = index;
      records_.clear();
      std::vector<storage::RecordLocator> locators;
      for (size_t i = index; i < targets.size() && locators.size() < kLoadSlice; ++i) {
        const std::vector<storage::RecordLocator>& of_token = targets[i].records;
        if (!of_token.empty()) locators.push_back(of_token.front());
        records_.emplace_back(of_token.empty() ? 0 : 1);
      }
      absl::StatusOr<std::vector<LoadResult>> loaded =
          LoadRecords(call.deps().engine, call.scope(), locators, &call.changes());
      if (!loaded.ok()) return loaded.status();
      size_t next = 0;
      for (std::vector<LoadResult>& of_token : records_) {
        for (LoadResult& result : of_token) result = std::move((*loaded)[next++]);
      }
      return absl::OkStatus();
    }

    // Record `i` of the token at `index`, which is here.
    absl::StatusOr<LoadResult*> Record(VaultCall& call, const TokenTarget& target, size_t index,
                                       size_t i) {
      std::vector<LoadResult>& records = records_[index - begin_];
      if (i == records.size()) {
        absl::StatusOr<std::vector<LoadResult>> rest =
            LoadRecords(call.deps().engine, call.scope(),
                        absl::MakeConstSpan(target.records).subspan(i), &call.changes());
        if (!rest.ok()) return rest.status();
        std::move(rest->begin(), rest->end(), std::back_inserter(records));
      }
      return &records[i];
    }

   private:
    size_t begin_ = 0;
    std::vector<std::vector<LoadResult>> records_;
  };

  // Which field a token stands for is not known yet: one that the caller may detokenize is enough.
  static std::optional<Plan> DecideBeforeLookUp(VaultCall& call) {
    std::optional<authz::Decision> refusal;
    for (const authz::TypeSpec& type : call.policy().types()) {
      FieldIds ids;
      for (authz::FieldId id : type.fields) {
        if (call.policy().field(id).token != authz::TokenMode::kNone) ids.push_back(id);
      }
      if (ids.empty()) continue;
      authz::DecisionInput input = call.Input(authz::Verb::kDetokenize);
      input.type = type.id;
      input.fields = ids;
      authz::Decision decision = authz::DecideWithoutSubject(call.policy(), input);
      if (decision.granted() || decision.partial()) return std::nullopt;
      if (!refusal.has_value()) refusal = std::move(decision);
    }
    if (!refusal.has_value()) return call.Refuse(authz::Reason::kFieldNotTokenized);
    // Which fields there are that might be denied is not the caller's question.
    call.Describe(*refusal);
    return call.Refuse(refusal->reason);
  }

  // Reveals through the first record whose own decision grants.
  static absl::StatusOr<authz::Reason> RevealToken(VaultCall& call, const storage::Id128& token,
                                                   const TokenTarget& target, size_t index,
                                                   Loaded* records, WireWriter* result) {
    authz::Reason reason = target.damaged ? authz::Reason::kDataLoss : authz::Reason::kTokenInvalid;
    const LoadedRecord* refused = nullptr;
    std::string refused_field;
    for (size_t i = 0; i < target.records.size(); ++i) {
      const absl::StatusOr<LoadResult*> found = records->Record(call, target, index, i);
      if (!found.ok()) return found.status();
      LoadResult& loaded = **found;
      // A token of an erased person is as good as one that never was.
      if (loaded.reason == authz::Reason::kSubjectErased) continue;
      // The row that led here says that there is a record, and that it has the token.
      TokenField match;
      if (loaded.ok()) match = FieldOfToken(call.scope().active(), target, token, *loaded.record);
      if (!match.ok()) {
        reason = match.reason;
        break;
      }
      LoadedRecord& record = *loaded.record;
      const authz::TypeId type = call.policy().FindType(record.type());
      const authz::FieldId id = type == authz::kNoType
                                    ? authz::kNoField
                                    : call.policy().FindField(type, match.field.name);
      const PersonDecision decision = call.Decide(authz::Verb::kDetokenize, type, {&id, 1}, record);
      if (!decision.granted()) {
        reason = decision.reason;
        refused = &record;
        if (id != authz::kNoField) refused_field = call.policy().field(id).full_name;
        continue;
      }
      const absl::StatusOr<bool> released =
          ReleaseField(call, decision.fields.front(), &record, Result::kValueFieldNumber, result);
      if (!released.ok() || !*released) {
        reason = authz::Reason::kDataLoss;
        break;
      }
      result->AddBytes(Result::kFieldFieldNumber, call.policy().field(id).full_name);
      storage::v1::EntryItem* const item = call.AddItem(&record);
      call.Describe(decision, item);
      call.AddFields(decision, item);
      return authz::Reason::kOk;
    }
    call.AddFailedItem(reason, refused);
    if (!refused_field.empty()) {
      call.entry().mutable_items(call.entry().items_size() - 1)->add_denied_fields(refused_field);
    }
    return reason;
  }

  const VaultDependencies& deps_;
};

}  // namespace

std::unique_ptr<Handler> NewRevealRecord(const VaultDependencies& dependencies) {
  return std::make_unique<RevealRecordHandler>(dependencies);
}
std::unique_ptr<Handler> NewBatchRevealRecords(const VaultDependencies& dependencies) {
  return std::make_unique<BatchRevealRecordsHandler>(dependencies);
}
std::unique_ptr<Handler> NewDetokenize(const VaultDependencies& dependencies) {
  return std::make_unique<DetokenizeHandler>(dependencies);
}

}  // namespace piivault::vault
