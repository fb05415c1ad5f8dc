#ifndef PIIVAULT_VAULT_SERVICE_ADMIN_CALL_H_
#define PIIVAULT_VAULT_SERVICE_ADMIN_CALL_H_

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "authz/policy.h"
#include "piivault/v1/admin_service.pb.h"
#include "vault/keys/page_token.h"
#include "vault/service/admin_service.h"
#include "vault/service/errors.h"
#include "vault/service/session.h"
#include "vault/state/idempotency.h"

// What the methods of AdminService share. Nothing but admin_*.cc includes this.
namespace piivault::vault {

// What a call keeps from one attempt to the next.
struct AdminKept {
  int cut_streams = 0;  // streams cut by earlier attempts count
  // The policy that the request brings, as it was loaded: a large one takes so long on a slow
  // machine that the decision would be too old each time.
  bool loaded = false;
  std::shared_ptr<const authz::Policy> policy;
  authz::Diagnostics diagnostics;
};

// One decision of one administrative call, whose caller is identified and has a system role that
// the method asks for. Not thread-safe.
class AdminCall {
 public:
  // `kept` outlives the call's attempts.
  AdminCall(const AdminDependencies& dependencies, Session& session, CallContext& context,
            std::string_view role, AdminKept& kept)
      : dependencies_(dependencies),
        session_(session),
        context_(context),
        role_(role),
        kept_(kept),
        change_(dependencies.store.NewChange(session.shared_state())) {}

  const AdminDependencies& dependencies() const { return dependencies_; }
  Session& session() { return session_; }
  const StateSnapshot& state() const { return session_.state(); }
  absl::Time now() const { return session_.now(); }
  int64_t now_micros() const { return absl::ToUnixMicros(now()); }
  // The caller's id, and the id of the caller's person.
  const std::string& caller() const { return session_.caller()->name; }
  const std::string& caller_person() const { return session_.caller()->row.person(); }
  StateChange& change() { return change_; }
  AdminKept& kept() { return kept_; }

  template <typename T>
  const T& request() const {
    return RequestAs<T>(context_);
  }
  template <typename T>
  T* response() const {
    return NewResponse<T>(context_);
  }

  // What the entry says besides its header: the resource the call is about, the approved proposal,
  // whether one person did what two should.
  void set_resource(std::string resource) { resource_ = std::move(resource); }
  void set_proposal(std::string sha256) { proposal_sha256_ = std::move(sha256); }
  void set_by_single_operator() { single_operator_ = true; }
  // The use of a break-glass role that the act is about, `breakGlassUses/…`, and its ticket. One
  // that the caller's own role comes from is named by itself.
  void set_break_glass(std::string name, std::string ticket) {
    break_glass_ = std::move(name);
    ticket_ = std::move(ticket);
  }
  // What the act is about besides, canonical: a hash or a number. In the entry of a success.
  void set_argument(std::string name, std::string value) {
    arguments_.emplace_back(std::move(name), std::move(value));
  }

  // Refuses, naming the resource where it is known to exist or was named well.
  Plan Refuse(authz::Reason reason, std::vector<std::string> fields = {});
  Plan Refuse(const absl::Status& status);
  // Answers; the change goes into the commit unless it is empty.
  Plan Answer(google::protobuf::Message* response);
  // The same with more to do once it is durable.
  Plan Answer(google::protobuf::Message* response, std::function<void()> afterwards);

  // The same, and cuts the running streams of a principal: `count` is told how many.
  Plan AnswerAndCut(google::protobuf::Message* response, const std::string& principal,
                    const std::function<void(int)>& count);

  // For methods with a request_id; nullopt where none was given. The cell goes to the read set.
  absl::StatusOr<std::optional<RequestRecord>> FindRequest(std::string_view request_id);
  // Remembers the answer in the same commit.
  void Remember(const RequestRecord& record, const google::protobuf::MessageLite& answer);

 private:
  // How many so far, over all attempts of this call.
  int CutStreams(const std::string& principal);
  storage::v1::EntryBody Entry(authz::Reason reason) const;

  const AdminDependencies& dependencies_;
  Session& session_;
  CallContext& context_;
  const std::string_view role_;
  AdminKept& kept_;
  StateChange change_;
  std::vector<storage::Mutation> writes_;
  std::string resource_;
  std::string proposal_sha256_;
  bool single_operator_ = false;
  std::string break_glass_;
  std::string ticket_;
  std::vector<std::pair<std::string, std::string>> arguments_;
};

// A page of a list: which of `items`, sorted by key, and the token of what follows.
template <typename Item>
struct AdminPage {
  std::vector<Item> items;
  std::string next_page_token;
};

// `request` is the list request; its page_size and page_token say which page.
template <typename Request, typename Item>
absl::StatusOr<AdminPage<Item>> PageOf(AdminCall& call, const Request& request,
                                       std::vector<std::pair<std::string, Item>> items) {
  constexpr int kDefaultSize = 100;
  constexpr int kMaxSize = 1000;
  constexpr absl::Duration kTokenLifetime = absl::Hours(1);
  if (request.page_size() < 0) return BadArgument("page_size");
  const auto size = static_cast<size_t>(
      request.page_size() == 0 ? kDefaultSize : std::min(request.page_size(), kMaxSize));

  Request query(request);
  query.clear_page_size();
  query.clear_page_token();
  const std::string principal = "principals/" + call.caller();
  const PageTokenBinding binding{principal, call.session().context().method.name,
                                 Sha256(query.SerializeAsString())};
  std::sort(items.begin(), items.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  auto from = items.begin();
  if (!request.page_token().empty()) {
    auto cursor = OpenPageToken(call.session().keys(), binding, request.page_token(), call.now());
    if (!cursor.ok()) return MakeError(authz::Reason::kPageTokenInvalid);
    from =
        std::upper_bound(items.begin(), items.end(), *cursor,
                         [](const std::string& key, const auto& item) { return key < item.first; });
  }
  AdminPage<Item> page;
  while (from != items.end() && page.items.size() < size) page.items.push_back((from++)->second);
  if (from != items.end()) {
    page.next_page_token = SealPageToken(call.session().keys(), call.session().random(), binding,
                                         std::prev(from)->first, call.now() + kTokenLifetime);
  }
  return page;
}

// Sorts newest first, then by id.
std::string NewestFirstKey(int64_t micros, std::string_view id);

// Whether the row still leaves enough administrators: LAST_ADMINISTRATORS where the change takes
// one away and fewer than two (one for a single operator) remain.
absl::Status CheckAdministrators(const AdminCall& call, const storage::v1::PrincipalRow& changed);

// The last day of something's validity, in the zone of a tenant's policy in force.
struct LastDay {
  const std::string& date;  // `YYYY-MM-DD`; empty: none is given
  std::string_view path;    // in the request
  std::string_view tenant;  // `tenants/{tenant}`
};
// Last instant of validity, in microseconds, of a time or a day, of which one may be given; 0 for
// none, which is without end. `time` may be null; its path is `attestation.valid_until`.
absl::StatusOr<int64_t> ValidUntil(AdminCall& call, const google::protobuf::Timestamp* time,
                                   const LastDay& day);

// Texts for people: at most `max` characters, and at least `min`.
bool IsText(std::string_view text, size_t max, size_t min = 0);

// The methods, each for a call that may be made.
Plan AdminCreateTenant(AdminCall& call);
Plan AdminListTenants(AdminCall& call);
Plan AdminUpdateTenant(AdminCall& call);
Plan AdminCreatePerson(AdminCall& call);
Plan AdminGetPerson(AdminCall& call);
Plan AdminListPersons(AdminCall& call);
Plan AdminUpdatePerson(AdminCall& call);
Plan AdminRecordAttestation(AdminCall& call);
Plan AdminRevokeAttestation(AdminCall& call);
Plan AdminCreatePrincipal(AdminCall& call);
Plan AdminGetPrincipal(AdminCall& call);
Plan AdminListPrincipals(AdminCall& call);
Plan AdminDisablePrincipal(AdminCall& call);
Plan AdminRemoveIdentity(AdminCall& call);
Plan AdminEndJob(AdminCall& call);
Plan AdminRevokeRole(AdminCall& call);
Plan AdminOffboardPrincipal(AdminCall& call);
Plan AdminDenyCertificate(AdminCall& call);
Plan AdminCreatePolicy(AdminCall& call);
Plan AdminGetPolicy(AdminCall& call);
Plan AdminListPolicies(AdminCall& call);
Plan AdminListPolicyActivations(AdminCall& call);
Plan AdminCreateProposal(AdminCall& call);
Plan AdminGetProposal(AdminCall& call);
Plan AdminListProposals(AdminCall& call);
Plan AdminApproveProposal(AdminCall& call);
Plan AdminRejectProposal(AdminCall& call);
Plan AdminBreakGlass(AdminCall& call);
Plan AdminReviewBreakGlass(AdminCall& call);
Plan AdminListBreakGlass(AdminCall& call);
Plan AdminListKeyringSlots(AdminCall& call);
Plan AdminListEpochs(AdminCall& call);
Plan AdminRotateEpoch(AdminCall& call);
Plan AdminGetVaultStatus(AdminCall& call);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_ADMIN_CALL_H_
