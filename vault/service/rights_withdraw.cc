// WithdrawRequest.
#include <memory>
#include <utility>

#include "vault/service/rights_call.h"
#include "vault/service/rights_handlers.h"

namespace piivault::vault {
namespace {

using authz::Reason;

// Who asked may take it back. So may who has written it down for somebody that nobody has seen.
bool MayWithdraw(RightsCall& rights) {
  const SubjectRequestRow& row = rights.request();
  if (rights.Asks()) return true;
  return !row.by_the_person() && !row.has_identity() &&
         row.opened_by() == rights.call().session().principal_name();
}

class WithdrawRequestHandler : public Handler {
 public:
  explicit WithdrawRequestHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::WithdrawRequestRequest>(context);
    RightsCall rights(context, deps_);
    if (auto refused = rights.OpenRequest(request.name(), request.usage())) {
      return *std::move(refused);
    }
    if (auto refused = rights.LoadRequest()) return *std::move(refused);
    if (!MayWithdraw(rights)) return rights.Refuse(Reason::kOperationNotGranted);
    SubjectRequestRow& row = rights.request();
    if (OpenFields(row, rights.use()).empty()) return rights.Refuse(Reason::kRequestClosed);
    row.set_withdraw_micros(absl::ToUnixMicros(rights.call().now()));
    StorePerson(rights.call(), &rights.person());
    auto* response = NewResponse<v1::WithdrawRequestResponse>(context);
    rights.FillRequest(row, response->mutable_request());
    return rights.call().Finish(response);
  }

 private:
  const VaultDependencies& deps_;
};

}  // namespace

std::unique_ptr<Handler> NewWithdrawRequest(const VaultDependencies& dependencies) {
  return std::make_unique<WithdrawRequestHandler>(dependencies);
}

}  // namespace piivault::vault
