// EnrolCertificate.
#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "piivault/v1/sharing_service.pb.h"
#include "vault/service/admin_convert.h"
#include "vault/service/errors.h"
#include "vault/service/session.h"
#include "vault/service/sharing_administration.h"
#include "vault/state/resource_id.h"
#include "vault/state/sharing_state.h"
#include "vault/state/snapshot_builder.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

using authz::Reason;
using storage::v1::IdentityRow;
using storage::v1::PrincipalRow;

constexpr size_t kMaxPem = size_t{32} << 10;
constexpr size_t kMaxCertificates = 8;
constexpr int kMaxIdentities = 10;
constexpr std::string_view kEnd = "-----END CERTIFICATE-----";

// The first certificate of the text, to the end of its line; empty where there is none or there are
// too many.
std::string_view FirstOf(std::string_view pem) {
  size_t certificates = 0;
  for (size_t at = pem.find(kEnd); at != std::string_view::npos; at = pem.find(kEnd, at + 1)) {
    ++certificates;
  }
  if (certificates == 0 || certificates > kMaxCertificates) return {};
  return pem.substr(0, pem.find(kEnd) + kEnd.size());
}

// What administrators have given: the identity of this call, or the one that it descends from.
struct Ancestor {
  std::string uri;
  absl::Time end = absl::InfinitePast();  // of all that descends from it
};

Ancestor AncestorOf(const PrincipalRow& row, std::string_view uri) {
  for (const IdentityRow& identity : row.identities()) {
    if (identity.uri() != uri) continue;
    return {identity.enrolled() ? identity.ancestor() : identity.uri(),
            TimeOf(identity.enrolled() ? identity.limit_micros() : identity.not_after_micros(),
                   absl::InfiniteFuture())};
  }
  return {};
}

// Makes the identity good until `end`, but not beyond the ancestor's: as another one, or for longer
// where the row has it already as an enrolled one. Those that have ended go. Until when it is good.
absl::StatusOr<absl::Time> Enrol(const std::string& uri, absl::Time now, absl::Time end,
                                 const Ancestor& ancestor, PrincipalRow* row) {
  end = std::min(end, ancestor.end);
  auto& identities = *row->mutable_identities();
  identities.erase(std::remove_if(identities.begin(), identities.end(),
                                  [&](const IdentityRow& identity) {
                                    return TimeOf(identity.not_after_micros(),
                                                  absl::InfiniteFuture()) < now;
                                  }),
                   identities.end());
  for (IdentityRow& identity : identities) {
    if (identity.uri() != uri) continue;
    const absl::Time before = TimeOf(identity.not_after_micros(), absl::InfiniteFuture());
    if (!identity.enrolled() || before >= end) return std::min(before, end);
    identity.set_not_after_micros(absl::ToUnixMicros(end));
    return end;
  }
  if (identities.size() >= kMaxIdentities) return MakeError(Reason::kBatchTooLarge);
  IdentityRow* added = row->add_identities();
  added->set_uri(uri);
  added->set_not_before_micros(absl::ToUnixMicros(now));
  added->set_not_after_micros(absl::ToUnixMicros(end));
  added->set_enrolled(true);
  added->set_ancestor(ancestor.uri);
  if (ancestor.end != absl::InfiniteFuture()) {
    added->set_limit_micros(absl::ToUnixMicros(ancestor.end));
  }
  return end;
}

// A recipient adds the next certificate with the present one. Who vouches is its certificate
// authority: the new one comes from the client root that the present one comes from.
class EnrolCertificateHandler : public Handler {
 public:
  explicit EnrolCertificateHandler(const SharingDependencies& dependencies)
      : dependencies_(dependencies) {}

  Plan Next(CallContext& context) override {
    StateStore& store = dependencies_.admin.store;
    Session session(context, store, dependencies_.admin.random);
    if (!session.identified()) return session.Refuse();
    const PrincipalRow& caller = session.caller()->row;
    const auto recipient = session.state().recipients().find(caller.recipient());
    if (caller.kind() != v1::PRINCIPAL_KIND_RECIPIENT ||
        recipient == session.state().recipients().end()) {
      return session.Refuse(Reason::kPrincipalKindNotAdmitted);
    }
    const RecipientState& state = *recipient->second;
    session.UseTenantId(state.row.tenant());
    session.AddRead(state.cell);
    storage::v1::EntryBody entry = session.NewEntry();
    entry.set_resource(state.recipient.name);
    const auto refuse = [&](Reason reason) {
      return session.Refuse(reason, {}, state.recipient.name);
    };
    if (state.recipient.disabled) return refuse(Reason::kRecipientDisabled);

    const auto found = Examine(context);
    if (found == nullptr || !MayHave(session, *found) || !IsProved(context, *found)) {
      return refuse(Reason::kCertificateInvalid);
    }
    session.AddRead(DenylistCell(found->certificate_sha256));
    PrincipalRow row = caller;
    const absl::StatusOr<absl::Time> end =
        Enrol(found->name, session.now(), found->not_after,
              AncestorOf(caller, session.context().caller->name), &row);
    if (!end.ok()) return refuse(ReasonOf(end.status()));
    StateChange change = store.NewChange(session.shared_state());
    change.PutPrincipal(row);

    (*entry.mutable_arguments())["certificate_sha256"] = ToHex(found->certificate_sha256);
    auto* response = NewResponse<v1::EnrolCertificateResponse>(context);
    response->set_identity(found->name);
    FillTime(absl::ToUnixMicros(*end), response->mutable_not_after());
    Plan plan = session.Answer(response, entry);
    change.MoveTo(&plan);
    return plan;
  }

 private:
  // Null for what is no chain of certificates.
  std::shared_ptr<const CallerIdentity> Examine(const CallContext& context) const {
    const std::string& pem =
        RequestAs<v1::EnrolCertificateRequest>(context).certificate_chain_pem();
    const std::string_view leaf = pem.size() > kMaxPem ? std::string_view() : FirstOf(pem);
    if (leaf.empty() || !dependencies_.examine) return nullptr;
    return dependencies_.examine(leaf, pem);
  }

  // Whether whoever calls has the new certificate's key.
  bool IsProved(const CallContext& context, const CallerIdentity& found) const {
    const auto& request = RequestAs<v1::EnrolCertificateRequest>(context);
    return dependencies_.is_signed_by(
        FirstOf(request.certificate_chain_pem()),
        EnrolmentText(context.caller->certificate_sha256, found.certificate_sha256),
        request.proof());
  }

  // Whether the caller may have the certificate's identity. Whose it is otherwise is not told.
  static bool MayHave(Session& session, const CallerIdentity& found) {
    if (found.problem != Reason::kOk || !found.of_recipients_root ||
        found.client_root != session.context().caller->client_root ||
        found.not_after <= session.now() || !IsIdentityUri(found.name) ||
        session.state().IsDenied(found.certificate_sha256)) {
      return false;
    }
    const PrincipalState* owner = session.state().FindPrincipalByIdentity(found.name);
    return owner == nullptr || owner->name == session.caller()->name;
  }

  const SharingDependencies& dependencies_;
};

}  // namespace

std::unique_ptr<Handler> NewEnrolCertificateHandler(const SharingDependencies& dependencies) {
  return std::make_unique<EnrolCertificateHandler>(dependencies);
}

}  // namespace piivault::vault
