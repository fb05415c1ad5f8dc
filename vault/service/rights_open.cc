// OpenRequest.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "authz/right_rules.h"
#include "vault/service/rights_call.h"
#include "vault/service/rights_handlers.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

using authz::Reason;

// What can be said without any look-up: the fields, as the policy writes them out.
std::optional<Plan> ReadFields(VaultCall& call, const v1::SubjectRequest& asked,
                               std::vector<std::string_view>* fields) {
  if (asked.fields().empty()) return call.Refuse(Reason::kMalformedRequest, {"request.fields"});
  if (asked.fields_size() > kMaxRequestFields) return call.Refuse(Reason::kBatchTooLarge);
  if (auto refused = ExpandFields(call, asked.fields(), "request.fields", fields)) return refused;
  if (fields->size() > static_cast<size_t>(kMaxRequestFields)) {
    return call.Refuse(Reason::kBatchTooLarge);
  }
  return std::nullopt;
}

class OpenRequestHandler : public Handler {
 public:
  explicit OpenRequestHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::OpenRequestRequest>(context);
    const v1::SubjectRequest& asked = request.request();
    RightsCall rights(context, deps_);
    VaultCall& call = rights.call();
    if (auto refused = rights.OpenPerson(request.subject(), request.usage())) {
      return *std::move(refused);
    }
    std::vector<std::string_view> fields;
    if (auto refused = ReadFields(call, asked, &fields)) return *std::move(refused);
    auto* response = NewResponse<v1::OpenRequestResponse>(context);
    if (auto refused = call.FindRequest(request.request_id(), response)) {
      return *std::move(refused);
    }
    if (auto refused = rights.LoadPerson()) return *std::move(refused);
    std::vector<authz::FieldId> ids;
    if (auto refused = rights.Decide(fields, &ids)) return *std::move(refused);
    if (call.replayed()) return Replay(rights, response);

    const authz::RightSpec* right = authz::FindRight(call.policy(), asked.right());
    std::string_view argument = "right";
    const Reason reason =
        right == nullptr
            ? Reason::kRightNotGiven
            : authz::CheckRequest(
                  *right, {asked.kind(), asked.ground(), ids, &rights.role(), rights.ByThePerson()},
                  &argument);
    if (reason != Reason::kOk) return rights.Refuse(reason, {Concat({"request.", argument})});
    SubjectRequestRow row = MakeRow(rights, asked, *right, fields);
    rights.Describe(row);
    rights.Note("request.ground", row.ground());
    if (row.freezes()) rights.Note("request.freezes", "true");
    const std::string id = row.id();
    if (!AddRequest(std::move(row), &rights.use())) return rights.Refuse(Reason::kBatchTooLarge);
    if (asked.kind() == kTerminate) LapseRefusals(&rights.use());
    StorePerson(call, &rights.person());
    // Only the name is remembered with the response: the person's row has the rest.
    response->mutable_request()->set_name(
        MakeSubjectRequestName(call.tenant_id(), rights.person().id, id));
    Plan plan = call.Finish(response);
    rights.FillRequest(*FindRequest(&rights.use(), id), response->mutable_request());
    return plan;
  }

 private:
  SubjectRequestRow MakeRow(RightsCall& rights, const v1::SubjectRequest& asked,
                            const authz::RightSpec& right,
                            const std::vector<std::string_view>& fields) const {
    SubjectRequestRow row;
    row.set_id(deps_.random.Id128().ToText());
    row.set_right(asked.right());
    row.set_kind(asked.kind());
    row.set_ground(asked.ground());
    for (std::string_view field : fields) row.add_fields(std::string(field));
    row.set_freezes(!right.freeze.empty());
    row.set_by_the_person(rights.ByThePerson());
    row.set_opened_by(std::string(rights.call().session().principal_name()));
    row.set_open_micros(absl::ToUnixMicros(rights.call().now()));
    return row;
  }

  // The call took effect before: decided anew, answered by how the request stands now.
  static Plan Replay(RightsCall& rights, v1::OpenRequestResponse* response) {
    const auto name = ParseSubjectRequestName(response->request().name());
    const SubjectRequestRow* row =
        name.has_value() ? FindRequest(&rights.use(), name->request) : nullptr;
    // It has given way to others since.
    if (row == nullptr) return rights.Refuse(Reason::kRequestClosed);
    rights.Describe(*row);
    response->mutable_request()->Clear();
    rights.FillRequest(*row, response->mutable_request());
    return rights.call().Finish(response);
  }

  const VaultDependencies& deps_;
};

}  // namespace

std::unique_ptr<Handler> NewOpenRequest(const VaultDependencies& dependencies) {
  return std::make_unique<OpenRequestHandler>(dependencies);
}

}  // namespace piivault::vault
