// ListRequests.
#include <memory>
#include <set>
#include <string_view>
#include <utility>

#include "vault/service/rights_call.h"
#include "vault/service/rights_handlers.h"

namespace piivault::vault {
namespace {

class ListSubjectRequestsHandler : public Handler {
 public:
  explicit ListSubjectRequestsHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::ListRequestsRequest>(context);
    RightsCall rights(context, deps_);
    VaultCall& call = rights.call();
    if (auto refused = rights.OpenPerson(request.subject(), request.usage())) {
      return *std::move(refused);
    }
    if (auto refused = rights.LoadPerson()) return *std::move(refused);
    storage::v1::EntryItem& item = *call.entry().add_items();
    item.set_subject_ref(rights.person().row.subject_ref());
    auto* response = NewResponse<v1::ListRequestsResponse>(context);
    std::set<std::string_view> seen;
    for (const SubjectRequestRow& row : rights.use().requests()) {
      if (request.open_only() && StateOf(row, rights.use()) != RequestState::kOpen) continue;
      const std::set<std::string_view> visible = rights.VisibleFields(row);
      if (visible.empty()) continue;
      rights.FillRequest(row, response->add_requests(), &visible);
      seen.insert(visible.begin(), visible.end());
    }
    item.mutable_fields()->Assign(seen.begin(), seen.end());
    return call.Finish(response);
  }

 private:
  const VaultDependencies& deps_;
};

}  // namespace

std::unique_ptr<Handler> NewListSubjectRequests(const VaultDependencies& dependencies) {
  return std::make_unique<ListSubjectRequestsHandler>(dependencies);
}

}  // namespace piivault::vault
