// CreateRecord, BatchCreateRecords, Tokenize.
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "piivault/v1/vault_service.pb.h"
#include "vault/keys/tokens.h"
#include "vault/service/vault_call.h"
#include "vault/service/vault_handlers.h"
#include "vault/service/vault_intake.h"
#include "vault/service/vault_replay.h"

namespace piivault::vault {
namespace {

// Decides with the person and plans one record. What fails is in the result, with its reason.
absl::StatusOr<WriteResult> Store(VaultCall& call, authz::Verb verb, const IntakeRequest& request,
                                  const Intake& intake, RecordWriter* writer) {
  WriteResult result;
  if (intake.reason != authz::Reason::kOk) {
    result.reason = intake.reason;
    result.field = intake.field;
    return result;
  }
  absl::StatusOr<PersonDecision> decided = DecideIntake(call, verb, request, intake, writer);
  if (!decided.ok()) return decided.status();
  const PersonDecision& decision = *decided;
  if (!decision.granted()) {
    result.reason = decision.reason;
    return result;
  }
  absl::StatusOr<WriteResult> written = writer->Create(intake.draft);
  if (written.ok() && written->ok()) {
    storage::v1::EntryItem* const item = call.AddItem(*written);
    call.Describe(decision, item);
    call.AddFields(decision, item);
  }
  return written;
}

std::vector<std::string> FieldOf(const authz::FieldSpec* field) {
  return field == nullptr ? std::vector<std::string>{} : std::vector<std::string>{field->full_name};
}

class CreateRecordHandler : public Handler {
 public:
  explicit CreateRecordHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::CreateRecordRequest>(context);
    VaultCall call(context, deps_);
    if (auto refused = call.Open(request.parent(), &request.usage())) return *std::move(refused);
    const IntakeRequest intake_request = IntakeOf(request.record());
    const Intake intake = JudgeIntake(call, authz::Verb::kCreate, intake_request);
    if (intake.denied()) return call.Refuse(intake.decision);
    if (intake.reason != authz::Reason::kOk) {
      return call.Refuse(intake.reason, FieldOf(intake.field));
    }
    auto* response = NewResponse<v1::CreateRecordResponse>(context);
    if (auto refused = call.FindRequest(request.request_id(), response)) {
      return *std::move(refused);
    }
    if (call.replayed()) {
      const ReplayItem item{&response->record().name(), nullptr, &intake_request, &intake};
      absl::StatusOr<std::vector<authz::Reason>> reasons =
          JudgeReplay(call, authz::Verb::kCreate, {&item, 1});
      if (!reasons.ok()) return call.Refuse(reasons.status());
      if (reasons->front() != authz::Reason::kOk) return call.Refuse(reasons->front());
      return call.Finish(response);
    }

    RecordWriter writer(call.writer_deps(), call.scope(), call.policy(), call.now(),
                        &call.changes());
    absl::StatusOr<WriteResult> result =
        Store(call, authz::Verb::kCreate, intake_request, intake, &writer);
    if (!result.ok()) return call.Refuse(result.status());
    if (!result->ok()) return call.Refuse(result->reason, FieldOf(result->field));
    writer.Finish();
    FillRecord(call.tenant_id(), result->identity, result->header, result->digest,
               response->mutable_record());
    FillTokens(result->header, intake_request.fields, response->mutable_tokens());
    return call.Finish(response);
  }

 private:
  const VaultDependencies& deps_;
};

// What a batch of new records has come to so far.
struct BatchState {
  int stored = 0;
  authz::Reason first_failure = authz::Reason::kOk;

  void Count(authz::Reason reason) {
    if (reason == authz::Reason::kOk) {
      ++stored;
    } else if (first_failure == authz::Reason::kOk) {
      first_failure = reason;
    }
  }
};

// The refusal of a batch of which nobody may store any item; null where one may be stored.
const authz::Decision* WholeRefusal(const std::vector<Intake>& intakes) {
  for (const Intake& intake : intakes) {
    if (!intake.denied()) return nullptr;
  }
  return &intakes.front().decision;
}

// A field of any item that is stored one way; null where none is. Of such a value nothing is made
// that is quick to guess against, and what a request id remembers is made from the whole request.
const authz::FieldSpec* OneWayField(const authz::Policy& policy,
                                    const std::vector<Intake>& intakes) {
  for (const Intake& intake : intakes) {
    for (authz::FieldId id : intake.ids) {
      if (id != authz::kNoField && policy.field(id).one_way) return &policy.field(id);
    }
  }
  return nullptr;
}

// Blanks what may not be told again. A refusal of the whole, or nothing.
template <typename Response>
std::optional<Plan> ReplayBatch(VaultCall& call, authz::Verb verb,
                                const std::vector<IntakeRequest>& requests,
                                const std::vector<Intake>& intakes, Response* response) {
  if (static_cast<size_t>(response->results_size()) != requests.size()) {
    return call.Refuse(authz::Reason::kDataLoss);
  }
  std::vector<ReplayItem> items;
  items.reserve(requests.size());
  for (size_t i = 0; i < requests.size(); ++i) {
    const auto& result = response->results(static_cast<int>(i));
    items.push_back({&result.name(), &result.failure(), &requests[i], &intakes[i]});
  }
  absl::StatusOr<std::vector<authz::Reason>> reasons = JudgeReplay(call, verb, items);
  if (!reasons.ok()) return call.Refuse(reasons.status());
  BatchState state;
  for (size_t i = 0; i < reasons->size(); ++i) {
    const authz::Reason reason = (*reasons)[i];
    state.Count(reason);
    auto* result = response->mutable_results(static_cast<int>(i));
    if (reason == authz::Reason::kOk || result->has_failure()) continue;
    result->Clear();
    SetFailure(reason, nullptr, result->mutable_failure());
  }
  if (state.first_failure != authz::Reason::kOk) {
    call.MarkPartial(state.first_failure, state.stored > 0);
  }
  return std::nullopt;
}

class BatchCreateRecordsHandler : public Handler {
 public:
  explicit BatchCreateRecordsHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::BatchCreateRecordsRequest>(context);
    VaultCall call(context, deps_);
    if (auto refused = call.Open(request.parent(), &request.usage())) return *std::move(refused);
    if (request.records().empty()) return call.Refuse(authz::Reason::kMalformedRequest);
    if (request.records_size() > kMaxItems) return call.Refuse(authz::Reason::kBatchTooLarge);

    std::vector<IntakeRequest> requests;
    std::vector<Intake> intakes;
    for (const v1::NewRecord& record : request.records()) {
      call.Yield();
      requests.push_back(IntakeOf(record));
      intakes.push_back(JudgeIntake(call, authz::Verb::kCreate, requests.back()));
    }
    if (const authz::Decision* refusal = WholeRefusal(intakes)) return call.Refuse(*refusal);
    if (const authz::FieldSpec* field = OneWayField(call.policy(), intakes)) {
      return call.Refuse(authz::Reason::kFieldOneWay, FieldOf(field));
    }
    auto* response = NewResponse<v1::BatchCreateRecordsResponse>(context);
    if (auto refused = call.FindRequest(request.request_id(), response)) {
      return *std::move(refused);
    }
    // The ref may be personal and is not remembered with the response.
    if (call.replayed()) {
      if (auto refused = ReplayBatch(call, authz::Verb::kCreate, requests, intakes, response)) {
        return *std::move(refused);
      }
      EchoRefs(request, response);
      return call.Finish(response);
    }
    RecordWriter writer(call.writer_deps(), call.scope(), call.policy(), call.now(),
                        &call.changes());
    BatchState state;
    for (size_t i = 0; i < intakes.size(); ++i) {
      call.Yield();
      absl::StatusOr<WriteResult> result =
          Store(call, authz::Verb::kCreate, requests[i], intakes[i], &writer);
      if (!result.ok()) return call.Refuse(result.status());
      state.Count(result->reason);
      Report(call, requests[i], *result, response->add_results());
    }
    if (state.stored > 0) writer.Finish();
    if (state.first_failure != authz::Reason::kOk) {
      call.MarkPartial(state.first_failure, state.stored > 0);
    }
    Plan plan = call.Finish(response);
    EchoRefs(request, response);
    return plan;
  }

 private:
  static void Report(VaultCall& call, const IntakeRequest& request, const WriteResult& written,
                     v1::BatchCreateRecordsResponse::Result* result) {
    if (!written.ok()) {
      call.AddFailedItem(written.reason);
      SetFailure(written.reason, written.field, result->mutable_failure());
      return;
    }
    result->set_name(
        MakeRecordName(call.tenant_id(), written.identity.subject, written.identity.record));
    FillTokens(written.header, request.fields, result->mutable_tokens());
    for (const storage::v1::FieldHeader& field : written.header.fields()) {
      if (field.flagged()) result->add_flagged_fields(field.name());
    }
  }

  static void EchoRefs(const v1::BatchCreateRecordsRequest& request,
                       v1::BatchCreateRecordsResponse* response) {
    for (int i = 0; i < response->results_size() && i < request.records_size(); ++i) {
      response->mutable_results(i)->set_ref(request.records(i).ref());
    }
  }

  const VaultDependencies& deps_;
};

class TokenizeHandler : public Handler {
 public:
  explicit TokenizeHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::TokenizeRequest>(context);
    VaultCall call(context, deps_);
    if (auto refused = call.Open(request.parent(), &request.usage())) return *std::move(refused);
    if (request.items().empty()) return call.Refuse(authz::Reason::kMalformedRequest);
    if (request.items_size() > kMaxItems) return call.Refuse(authz::Reason::kBatchTooLarge);

    std::vector<IntakeRequest> requests;
    std::vector<Intake> intakes;
    for (const v1::TokenizeRequest::Item& item : request.items()) {
      call.Yield();
      requests.push_back({request.type(),
                          item.subject(),
                          {},
                          {{request.field(), item.value()}},
                          &request.provenance()});
      intakes.push_back(JudgeIntake(call, authz::Verb::kTokenize, requests.back()));
    }
    if (const authz::Decision* refusal = WholeRefusal(intakes)) return call.Refuse(*refusal);
    if (call.policy().field(intakes.front().ids.front()).token == authz::TokenMode::kNone) {
      return call.Refuse(authz::Reason::kFieldNotTokenized);
    }
    auto* response = NewResponse<v1::TokenizeResponse>(context);
    if (auto refused = call.FindRequest(request.request_id(), response)) {
      return *std::move(refused);
    }
    if (call.replayed()) {
      if (auto refused = ReplayBatch(call, authz::Verb::kTokenize, requests, intakes, response)) {
        return *std::move(refused);
      }
      return call.Finish(response);
    }

    RecordWriter writer(call.writer_deps(), call.scope(), call.policy(), call.now(),
                        &call.changes());
    BatchState state;
    for (size_t i = 0; i < intakes.size(); ++i) {
      call.Yield();
      absl::StatusOr<WriteResult> written =
          Store(call, authz::Verb::kTokenize, requests[i], intakes[i], &writer);
      if (!written.ok()) return call.Refuse(written.status());
      state.Count(written->reason);
      v1::TokenizeResponse::Result& result = *response->add_results();
      if (!written->ok()) {
        call.AddFailedItem(written->reason);
        SetFailure(written->reason, written->field, result.mutable_failure());
        continue;
      }
      result.set_name(
          MakeRecordName(call.tenant_id(), written->identity.subject, written->identity.record));
      const auto token = storage::Id128::FromBytes(written->header.fields(0).token());
      if (token.has_value()) result.set_token(FormatToken(*token));
    }
    if (state.stored > 0) writer.Finish();
    if (state.first_failure != authz::Reason::kOk) {
      call.MarkPartial(state.first_failure, state.stored > 0);
    }
    return call.Finish(response);
  }

 private:
  const VaultDependencies& deps_;
};

}  // namespace

std::unique_ptr<Handler> NewCreateRecord(const VaultDependencies& dependencies) {
  return std::make_unique<CreateRecordHandler>(dependencies);
}
std::unique_ptr<Handler> NewBatchCreateRecords(const VaultDependencies& dependencies) {
  return std::make_unique<BatchCreateRecordsHandler>(dependencies);
}
std::unique_ptr<Handler> NewTokenize(const VaultDependencies& dependencies) {
  return std::make_unique<TokenizeHandler>(dependencies);
}

}  // namespace piivault::vault
