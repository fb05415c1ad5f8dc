// Unsubscribe.
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "piivault/v1/subject_service.pb.h"
#include "vault/keys/tokens.h"
#include "vault/records/record_finder.h"
#include "vault/service/subject_change.h"
#include "vault/service/subject_handlers.h"

namespace piivault::vault {
namespace {

using authz::Reason;
using Records = std::vector<std::unique_ptr<LoadedRecord>>;

class UnsubscribeHandler : public Handler {
 public:
  explicit UnsubscribeHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::UnsubscribeRequest>(context);
    VaultCall call(context, deps_);
    RecordName name;
    const bool by_name = request.target_case() == v1::UnsubscribeRequest::kName;
    if (auto refused = by_name ? call.OpenRecord(request.name(), &request.usage(), &name)
                               : call.Open(request.parent(), &request.usage())) {
      return *std::move(refused);
    }
    const auto type = by_name ? TypeIn(name) : std::nullopt;
    if (auto refused = call.DecideAnyType(authz::Verb::kUnsubscribe, {}, false, type)) {
      return *std::move(refused);
    }
    if (request.resume() && call.on_behalf_of().empty()) {
      return call.Refuse(Reason::kSubjectRequired);
    }
    Records records;
    if (auto refused = by_name ? FindByName(call, name, &records)
                               : FindByToken(call, request.token(), &records)) {
      return *std::move(refused);
    }
    return Apply(context, call, request.resume(), records);
  }

 private:
  static std::optional<Plan> FindByName(VaultCall& call, const RecordName& name, Records* records) {
    absl::StatusOr<LoadResult> loaded = call.Resolve(name);
    if (!loaded.ok()) return call.Refuse(loaded.status());
    if (!loaded->ok()) return call.Refuse(loaded->reason);
    records->push_back(std::move(loaded->record));
    return std::nullopt;
  }

  // A token of a value leads to everybody who has it.
  static std::optional<Plan> FindByToken(VaultCall& call, std::string_view text, Records* records) {
    const std::optional<storage::Id128> token = ParseToken(text);
    if (!token.has_value()) return call.Refuse(Reason::kTokenInvalid);
    absl::StatusOr<std::vector<TokenTarget>> targets =
        RecordFinder(call.deps().engine, call.scope(), &call.changes()).FindTokens({&*token, 1});
    if (!targets.ok()) return call.Refuse(targets.status());
    const TokenTarget& target = targets->front();
    if (target.damaged) return call.Refuse(Reason::kDataLoss);
    absl::StatusOr<std::vector<LoadResult>> loaded =
        LoadRecords(call.deps().engine, call.scope(), target.records, &call.changes());
    if (!loaded.ok()) return call.Refuse(loaded.status());
    for (LoadResult& result : *loaded) {
      // A token of an erased person is as good as one that never was.
      if (result.reason == Reason::kSubjectErased) continue;
      TokenField match;
      if (result.ok()) match = FieldOfToken(call.scope().active(), target, *token, *result.record);
      if (!match.ok()) return call.Refuse(match.reason);
      records->push_back(std::move(result.record));
    }
    if (records->empty()) return call.Refuse(Reason::kTokenInvalid);
    return std::nullopt;
  }

  // Each record by its own decision; refused where none grants.
  static Plan Apply(CallContext& context, VaultCall& call, bool resume, const Records& records) {
    std::optional<PersonDecision> refusal;
    std::map<storage::Id128, SubjectState> persons;
    for (const std::unique_ptr<LoadedRecord>& record : records) {
      PersonDecision decision = call.Decide(authz::Verb::kUnsubscribe,
                                            call.policy().FindType(record->type()), {}, *record);
      if (decision.granted() && resume && !ByThePerson(call, decision, *record)) {
        decision.reason = Reason::kNotOwnRecord;
      }
      if (!decision.granted()) {
        if (!refusal.has_value()) refusal = std::move(decision);
        continue;
      }
      storage::v1::EntryItem* const item = call.AddItem(record.get());
      call.Describe(decision, item);
      call.AddFields(decision, item);
      persons.emplace(record->identity.subject, record->subject);
    }
    if (persons.empty()) return call.Refuse(*refusal);
    for (auto& [id, person] : persons) {
      if (person.row.use().unsubscribed() == !resume) continue;
      person.row.mutable_use()->set_unsubscribed(!resume);
      StorePerson(call, &person);
    }
    return call.Finish(NewResponse<v1::UnsubscribeResponse>(context));
  }

  // Nobody else, no representative either, wants mail in the person's stead.
  static bool ByThePerson(const VaultCall& call, const authz::Decision& decision,
                          const LoadedRecord& record) {
    return decision.role->kind == authz::RoleKind::kSubject &&
           call.on_behalf_of() == call.SubjectNameOf(record.identity.subject);
  }

  const VaultDependencies& deps_;
};

}  // namespace

std::unique_ptr<Handler> NewUnsubscribe(const VaultDependencies& dependencies) {
  return std::make_unique<UnsubscribeHandler>(dependencies);
}

}  // namespace piivault::vault
