// StreamRevealRecords, DownloadRecords.
#include <algorithm>
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
#include "vault/service/vault_page.h"

namespace piivault::vault {
namespace {

constexpr int kMaxStreamItems = 100'000;
// A message ends with the record that brings it over this.
constexpr size_t kMessageBytes = size_t{1} << 20;
// Tokens looked up at a time, and the most that they may lead to.
constexpr size_t kTokenSlice = 32;
constexpr size_t kTokenSliceLocators = kTokenSlice * RecordFinder::kMaxTokenRecords;
static_assert(kTokenSliceLocators <= kMaxLocators);

// Where a stream stands: the place in the list of the request, or behind which record of an index.
// Moves when the message is durable, so that a message that conflicts is made of the same records.
struct Place {
  size_t index = 0;
  std::optional<storage::RecordLocator> after;
  bool at_end = false;
};

constexpr int kRecordsField = v1::StreamRevealRecordsResponse::kRecordsFieldNumber;
static_assert(kRecordsField == v1::DownloadRecordsResponse::kRecordsFieldNumber);

// One message's records, with room for no more than it may hold.
struct Message {
  WireWriter encoded;
  int records = 0;
  int omitted = 0;

  bool full() const { return encoded.size() >= kMessageBytes || records >= kMaxItems; }
};

// Adds a record as the decision says. OK where it was added or left out.
absl::Status AddRecord(VaultCall& call, const PersonDecision& decision, bool partial,
                       LoadedRecord* record, Message* message) {
  if (!decision.granted() && !(partial && decision.partial())) {
    ++message->omitted;
    return absl::OkStatus();
  }
  // What a stream may not show is not there, rather than refused.
  absl::Status released =
      ReleaseRecord(call, decision, record, Denied::kLeftOut, kRecordsField, &message->encoded);
  if (!released.ok()) return released;
  ++message->records;
  storage::v1::EntryItem* item = call.AddItem(record);
  call.Describe(decision, item);
  call.AddFields(decision, item);
  item->clear_denied_fields();
  return absl::OkStatus();
}

// The next records of a type, each by its own decision, as many as fit.
std::optional<Plan> StreamType(VaultCall& call, authz::TypeId type, authz::Verb verb,
                               const FieldIds& ids, bool partial, Message* message, Place* place) {
  const std::string& type_name = call.policy().type(type).name;
  RecordFinder finder(call.deps().engine, call.scope(), &call.changes());
  for (size_t examined = 0; examined < kMaxHitsExamined && !message->full();) {
    absl::StatusOr<std::vector<storage::RecordLocator>> hits =
        finder.FindType(type_name, place->after.has_value() ? &*place->after : nullptr, kLoadSlice);
    if (!hits.ok()) return call.Refuse(hits.status());
    absl::StatusOr<std::vector<LoadResult>> loaded =
        LoadRecords(call.deps().engine, call.scope(), *hits, &call.changes());
    if (!loaded.ok()) return call.Refuse(loaded.status());
    size_t used = 0;
    for (LoadResult& result : *loaded) {
      if (message->full()) break;
      call.Yield();
      place->after = (*hits)[used++];
      if (result.reason == authz::Reason::kSubjectErased) continue;
      if (result.reason == authz::Reason::kDataLoss) return call.Refuse(result.reason);
      if (!result.ok() || result.record->type() != type_name) {
        CountStray(call);
        continue;
      }
      const PersonDecision decision = call.Decide(verb, type, ids, *result.record);
      absl::Status added = AddRecord(call, decision, partial, result.record.get(), message);
      if (!added.ok()) return call.Refuse(added);
    }
    examined += hits->size();
    if (used == hits->size() && hits->size() < kLoadSlice) {
      place->at_end = true;
      return std::nullopt;
    }
  }
  return std::nullopt;
}

class StreamRevealRecordsHandler : public Handler {
 public:
  explicit StreamRevealRecordsHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::StreamRevealRecordsRequest>(context);
    VaultCall call(context, deps_);
    if (auto refused = call.Open(request.parent(), &request.usage())) return *std::move(refused);
    const FieldNames names = NamesOf(request.fields());
    if (auto refused = call.CheckFieldNames(names, true)) return *std::move(refused);
    if (request.names().names_size() > kMaxStreamItems ||
        request.tokens().tokens_size() > kMaxStreamItems) {
      return call.Refuse(authz::Reason::kBatchTooLarge);
    }
    Message message;
    next_ = place_;
    std::optional<Plan> refused;
    switch (request.source_case()) {
      case v1::StreamRevealRecordsRequest::kNames:
        refused = ByName(call, request.names().names(), names, &message);
        break;
      case v1::StreamRevealRecordsRequest::kTokens:
        refused = ByToken(call, request.tokens().tokens(), names, &message);
        break;
      case v1::StreamRevealRecordsRequest::kSelector:
        refused = ByType(call, request.selector().type(), names, &message);
        message.omitted = 0;
        break;
      default:
        return call.Refuse(authz::Reason::kMalformedRequest);
    }
    if (refused.has_value()) return *std::move(refused);
    message.encoded.AddVarint(v1::StreamRevealRecordsResponse::kOmittedFieldNumber,
                              static_cast<uint64_t>(message.omitted));
    return call.Finish(std::move(message.encoded));
  }

  void Committed(const storage::LogPosition*) override { place_ = next_; }
  bool HasMore() const override { return !place_.at_end; }

 private:
  // Decides and adds the records of items [first, first + loaded.size()), as far as they fit.
  std::optional<Plan> AddAll(VaultCall& call, const FieldNames& names,
                             std::vector<LoadResult>* loaded, Message* message) {
    FieldIds ids;
    for (LoadResult& result : *loaded) {
      if (message->full()) break;
      call.Yield();
      ++next_.index;
      if (!result.ok()) {
        ++message->omitted;
        call.AddFailedItem(result.reason == authz::Reason::kSubjectErased ? authz::Reason::kNotFound
                                                                          : result.reason);
        continue;
      }
      LoadedRecord& record = *result.record;
      const authz::TypeId type = call.policy().FindType(record.type());
      call.ResolveFields(type, names, &ids);
      const PersonDecision decision = call.Decide(authz::Verb::kReveal, type, ids, record);
      if (!decision.granted()) call.AddFailedItem(decision.reason, &record);
      absl::Status added = AddRecord(call, decision, false, &record, message);
      if (!added.ok()) return call.Refuse(added);
    }
    if (message->omitted > 0) {
      call.entry().set_decision(message->records == 0 ? storage::v1::DECISION_DENIED
                                                      : storage::v1::DECISION_PARTIAL);
    }
    return std::nullopt;
  }

  std::optional<Plan> ByName(VaultCall& call,
                             const google::protobuf::RepeatedPtrField<std::string>& list,
                             const FieldNames& names, Message* message) {
    if (auto refused = call.DecideAnyType(authz::Verb::kReveal, names, false)) return refused;
    const size_t size = static_cast<size_t>(list.size());
    const size_t end = std::min(size, place_.index + kMaxItems);
    while (next_.index < end && !message->full()) {
      const size_t slice_end = std::min(end, next_.index + kLoadSlice);
      if (auto refused = AddNames(call, list, slice_end, names, message)) return refused;
    }
    next_.at_end = next_.index >= size;
    return std::nullopt;
  }

  // Loads and adds the names from next_ on to `end`, as far as they fit.
  std::optional<Plan> AddNames(VaultCall& call,
                               const google::protobuf::RepeatedPtrField<std::string>& list,
                               size_t end, const FieldNames& names, Message* message) {
    const size_t begin = next_.index;
    std::vector<LoadResult> results(end - begin);
    std::vector<storage::RecordLocator> locators;
    std::vector<size_t> places;
    for (size_t i = begin; i < end; ++i) {
      const std::optional<RecordName> name = ParseRecordName(list[static_cast<int>(i)]);
      if (!name.has_value() || name->tenant != call.tenant_id()) continue;
      if (name->by_ref) {
        const authz::Decision decision =
            call.DecideOnlyType(authz::Verb::kReveal, names, name->type);
        if (!decision.granted()) {
          results[i - begin].reason = decision.reason;
          continue;
        }
        absl::StatusOr<LoadResult> result = call.Resolve(*name);
        if (!result.ok()) return call.Refuse(result.status());
        results[i - begin] = *std::move(result);
        continue;
      }
      locators.push_back({name->subject, name->record});
      places.push_back(i - begin);
    }
    absl::StatusOr<std::vector<LoadResult>> loaded =
        LoadRecords(deps_.engine, call.scope(), locators, &call.changes());
    if (!loaded.ok()) return call.Refuse(loaded.status());
    for (size_t i = 0; i < places.size(); ++i) results[places[i]] = std::move((*loaded)[i]);
    return AddAll(call, names, &results, message);
  }

  std::optional<Plan> ByToken(VaultCall& call,
                              const google::protobuf::RepeatedPtrField<std::string>& list,
                              const FieldNames& names, Message* message) {
    if (auto refused = call.DecideAnyType(authz::Verb::kReveal, names, false)) return refused;
    const size_t size = static_cast<size_t>(list.size());
    const size_t end = std::min(size, place_.index + kMaxItems);
    size_t located = 0;
    while (next_.index < end && !message->full() && located <= kMaxLocators - kTokenSliceLocators) {
      const size_t slice_end = std::min(end, next_.index + kTokenSlice);
      if (auto refused = AddTokens(call, list, slice_end, names, message, &located)) return refused;
    }
    next_.at_end = next_.index >= size;
    return std::nullopt;
  }

  // Loads and adds the tokens from next_ on to `end`, as far as they fit; `*located` counts their
  // records.
  std::optional<Plan> AddTokens(VaultCall& call,
                                const google::protobuf::RepeatedPtrField<std::string>& list,
                                size_t end, const FieldNames& names, Message* message,
                                size_t* located) {
    const size_t begin = next_.index;
    std::vector<storage::Id128> tokens;
    std::vector<size_t> places;
    for (size_t i = begin; i < end; ++i) {
      const std::optional<storage::Id128> token = ParseToken(list[static_cast<int>(i)]);
      if (!token.has_value()) continue;
      tokens.push_back(*token);
      places.push_back(i - begin);
    }
    absl::StatusOr<std::vector<TokenTarget>> targets =
        RecordFinder(deps_.engine, call.scope(), &call.changes()).FindTokens(tokens);
    if (!targets.ok()) return call.Refuse(targets.status());
    std::vector<LoadResult> results(end - begin);
    std::vector<storage::RecordLocator> locators;
    std::vector<size_t> owners;
    for (size_t i = 0; i < targets->size(); ++i) {
      for (const storage::RecordLocator& locator : (*targets)[i].records) {
        locators.push_back(locator);
        owners.push_back(i);
      }
      if ((*targets)[i].damaged) results[places[i]].reason = authz::Reason::kDataLoss;
    }
    *located += locators.size();
    for (size_t first = 0; first < locators.size(); first += kLoadSlice) {
      absl::StatusOr<std::vector<LoadResult>> loaded =
          LoadRecords(deps_.engine, call.scope(),
                      absl::MakeConstSpan(locators).subspan(first, kLoadSlice), &call.changes());
      if (!loaded.ok()) return call.Refuse(loaded.status());
      for (size_t i = 0; i < loaded->size(); ++i) {
        const size_t owner = owners[first + i];
        TakeFirstUsable(call, names, tokens[owner], (*targets)[owner], &(*loaded)[i],
                        &results[places[owner]]);
      }
    }
    return AddAll(call, names, &results, message);
  }

  // Of the records of one token: the first that may be used, or what the first said.
  static void TakeFirstUsable(VaultCall& call, const FieldNames& names, const storage::Id128& token,
                              const TokenTarget& target, LoadResult* loaded, LoadResult* result) {
    if (loaded->reason == authz::Reason::kSubjectErased) return;
    // The row that led here says that there is a record, and that it has the token.
    TokenField match;
    if (loaded->ok()) match = FieldOfToken(call.scope().active(), target, token, *loaded->record);
    if (match.reason == authz::Reason::kTokenInvalid) return;  // as good as one that never was
    if (!match.ok()) {
      *result = LoadResult{authz::Reason::kDataLoss, nullptr};
      return;
    }
    const auto usable = [&](const LoadedRecord& record) {
      const authz::TypeId type = call.policy().FindType(record.type());
      FieldIds ids;
      call.ResolveFields(type, names, &ids);
      return call.Decide(authz::Verb::kReveal, type, ids, record).granted();
    };
    if (!result->ok() || (!usable(*result->record) && usable(*loaded->record))) {
      *result = std::move(*loaded);
    }
  }

  // All records of a type asks for more than a reveal: the list for sending, or list and reveal.
  static std::optional<Plan> DecideSelector(VaultCall& call, authz::TypeId type,
                                            const FieldIds& ids, authz::Verb* verb) {
    authz::DecisionInput input = call.Input(authz::Verb::kSendList);
    input.type = type;
    input.fields = ids;
    *verb = authz::Verb::kSendList;
    if (authz::DecideWithoutSubject(call.policy(), input).granted()) return std::nullopt;
    *verb = authz::Verb::kReveal;
    if (auto refused = call.DecideType(authz::Verb::kReveal, type, ids, false)) return refused;
    return call.DecideType(authz::Verb::kList, type, {}, false);
  }

  std::optional<Plan> ByType(VaultCall& call, std::string_view type_name, const FieldNames& names,
                             Message* message) {
    const authz::TypeId type = call.policy().FindType(type_name);
    FieldIds ids;
    call.ResolveFields(type, names, &ids);
    authz::Verb verb = authz::Verb::kReveal;
    if (auto refused = DecideSelector(call, type, ids, &verb)) return refused;
    return StreamType(call, type, verb, ids, false, message, &next_);
  }

 private:
  const VaultDependencies& deps_;
  Place place_;
  Place next_;
};

class DownloadRecordsHandler : public Handler {
 public:
  explicit DownloadRecordsHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::DownloadRecordsRequest>(context);
    VaultCall call(context, deps_);
    if (auto refused = call.Open(request.parent(), &request.usage())) return *std::move(refused);
    const authz::TypeId type = call.policy().FindType(request.type());
    // All fields that may be read: what may not is left out, and is not a refusal.
    FieldIds ids;
    if (type != authz::kNoType) {
      const std::vector<authz::FieldId>& fields = call.policy().type(type).fields;
      ids.assign(fields.begin(), fields.end());
    }
    if (auto refused = call.DecideType(authz::Verb::kDownload, type, ids, true)) {
      return *std::move(refused);
    }
    Message message;
    next_ = place_;
    if (auto refused =
            StreamType(call, type, authz::Verb::kDownload, ids, true, &message, &next_)) {
      return *std::move(refused);
    }
    return call.Finish(std::move(message.encoded));
  }

  void Committed(const storage::LogPosition*) override { place_ = next_; }
  bool HasMore() const override { return !place_.at_end; }

 private:
  const VaultDependencies& deps_;
  Place place_;
  Place next_;
};

}  // namespace

std::unique_ptr<Handler> NewStreamRevealRecords(const VaultDependencies& dependencies) {
  return std::make_unique<StreamRevealRecordsHandler>(dependencies);
}
std::unique_ptr<Handler> NewDownloadRecords(const VaultDependencies& dependencies) {
  return std::make_unique<DownloadRecordsHandler>(dependencies);
}

}  // namespace piivault::vault
