#include <algorithm>

#include "authz/decision.h"
#include "vault/crypto/sha256.h"
#include "vault/service/admin_acts.h"
#include "vault/service/admin_convert.h"
#include "vault/service/admin_department.h"
#include "vault/service/policy_changes.h"
#include "vault/service/resource_name.h"
#include "vault/service/sharing_administration.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

using piivault::v1::Proposal;
using storage::v1::ProposalRow;

// SHA-256 over the proposal's id and its act: what an approver names. The id is in it so that an
// approval of one proposal is not one of another with the same act.
Sha256Digest HashOf(const ProposalRow& row) {
  return Sha256(Concat({"piivault proposal v1", row.id(), row.act()}));
}

// An answer of 7 days at least, however long a notice runs.
int64_t ExpiryOf(AdminCall& call, const ActEffect& effect) {
  return absl::ToUnixMicros(std::max(call.now(), effect.not_before) + kProposalLifetime);
}

// Whether the act may be carried out by now.
absl::Status CheckTime(AdminCall& call, const ActEffect& effect) {
  return call.now() < effect.not_before ? MakeError(authz::Reason::kPolicyNoticeRunning)
                                        : absl::OkStatus();
}

// The proposal as it is when its act is carried out by this call.
void MarkApproved(AdminCall& call, const ActEffect& effect, ProposalRow* row) {
  row->set_state(piivault::v1::PROPOSAL_STATE_APPROVED);
  row->set_decider(call.caller());
  row->set_decide_time_micros(call.now_micros());
  if (!effect.activation.has_value()) return;
  *row->mutable_activation() = *effect.activation;
  call.set_argument("policy", ToHex(effect.tenant->policy_sha256()));
}

// The state that counts: an open proposal past its time has expired, without anybody writing so.
piivault::v1::ProposalState StateOf(const ProposalRow& row, int64_t now_micros) {
  const auto state = static_cast<piivault::v1::ProposalState>(row.state());
  return state == piivault::v1::PROPOSAL_STATE_OPEN && now_micros >= row.expire_time_micros()
             ? piivault::v1::PROPOSAL_STATE_EXPIRED
             : state;
}

absl::Status FillProposal(const ProposalRow& row, int64_t now_micros, Proposal* proposal) {
  if (!proposal->ParseFromString(row.act())) return MakeError(authz::Reason::kDataLoss);
  proposal->set_name(ProposalName(row.id()));
  proposal->set_state(StateOf(row, now_micros));
  proposal->set_proposer(PrincipalName(row.proposer()));
  if (!row.decider().empty()) proposal->set_decider(PrincipalName(row.decider()));
  proposal->set_sha256(ToHex(AsView(HashOf(row))));
  FillTime(row.create_time_micros(), proposal->mutable_create_time());
  FillTime(row.expire_time_micros(), proposal->mutable_expire_time());
  return absl::OkStatus();
}

// Answers with the row as it is after this call, and carries out what has to follow.
template <typename Response>
Plan AnswerWithProposal(AdminCall& call, const ProposalRow& row,
                        std::optional<uint32_t> destroy_epoch = std::nullopt) {
  auto* response = call.response<Response>();
  absl::Status status = FillProposal(row, call.now_micros(), response->mutable_proposal());
  if (!status.ok()) return call.Refuse(status);
  if (!destroy_epoch.has_value()) return call.Answer(response);
  KeyRotator& rotator = call.dependencies().rotator;
  return call.Answer(response, [&rotator, epoch = *destroy_epoch] { rotator.StartDestroy(epoch); });
}

absl::StatusOr<const ProposalState*> Named(AdminCall& call, const std::string& name) {
  auto id = ParseProposalName(name);
  if (!id.has_value()) return BadArgument("name");
  call.set_resource(name);
  const ProposalState* proposal = call.state().FindProposal(*id);
  if (proposal == nullptr) return MakeError(authz::Reason::kNotFound);
  return proposal;
}

absl::Status CheckOpen(AdminCall& call, const ProposalRow& row) {
  switch (StateOf(row, call.now_micros())) {
    case piivault::v1::PROPOSAL_STATE_OPEN:
      return absl::OkStatus();
    case piivault::v1::PROPOSAL_STATE_EXPIRED:
      return MakeError(authz::Reason::kProposalExpired);
    default:
      return MakeError(authz::Reason::kProposalStale);
  }
}

// Two persons: the proposer, who must still be who they were and may still propose, and another.
absl::Status CheckTwoPersons(AdminCall& call, const ProposalRow& row) {
  const PrincipalState* proposer = call.state().FindPrincipal(row.proposer());
  if (proposer == nullptr) return MakeError(authz::Reason::kProposalStale);
  call.session().AddRead(proposer->cell);
  const std::string& person = call.caller_person();
  if (person.empty() || person == row.proposer_person() || person == proposer->row.person() ||
      call.caller() == row.proposer()) {
    return MakeError(authz::Reason::kProposalSelfApproval);
  }
  if (proposer->row.person() != row.proposer_person() ||
      authz::DecideSystemRole(&proposer->principal, {authz::SystemRole::kVaultAdmin}, call.now()) !=
          authz::Reason::kOk) {
    return MakeError(authz::Reason::kProposalStale);
  }
  return absl::OkStatus();
}

// Where the policy says that a department's manager approves: that the caller is who.
absl::Status CheckManager(AdminCall& call, const Proposal& act) {
  const std::optional<DepartmentGrant> grant = DepartmentGrantOf(call.state(), act);
  if (!grant.has_value()) return absl::OkStatus();
  const ManagerDecision manager = DecideManager(call.session(), *grant);
  return manager.reason == authz::Reason::kOk ? absl::OkStatus() : MakeError(manager.reason);
}

// Who lets somebody act as a recipient has made it what it is.
absl::Status NoteChangers(AdminCall& call, const ProposalRow& row, ActEffect* effect) {
  if (!effect->recipient.has_value()) return absl::OkStatus();
  absl::Status status = AddChanger(row.proposer_person(), &*effect->recipient);
  if (status.ok()) status = AddChanger(call.caller_person(), &*effect->recipient);
  return status;
}

std::string HashOfBasis(const ActEffect& effect) {
  return std::string(AsView(Sha256(effect.basis)));
}

std::string Serialize(const Proposal& act) {
  // No maps in it, so that this is the one serialization there is.
  return act.SerializeAsString();
}

}  // namespace

Plan AdminCreateProposal(AdminCall& call) {
  const auto& request = call.request<piivault::v1::CreateProposalRequest>();
  if (call.caller_person().empty()) return call.Refuse(authz::Reason::kPersonUnknown);
  auto act = ActOf(request.proposal());
  if (!act.ok()) return call.Refuse(act.status());
  auto record = call.FindRequest(request.request_id());
  if (!record.ok()) return call.Refuse(record.status());
  if (record->has_value() && (*record)->response.has_value()) {
    piivault::v1::CreateProposalResponse before;
    if (!before.ParseFromString(*(*record)->response)) return call.Refuse(authz::Reason::kDataLoss);
    auto there = Named(call, before.proposal().name());
    if (!there.ok()) return call.Refuse(there.status());
    return AnswerWithProposal<piivault::v1::CreateProposalResponse>(call, (*there)->row);
  }
  auto effect = CheckAct(call, *act);
  if (!effect.ok()) return call.Refuse(effect.status());

  ProposalRow row;
  row.set_id(call.session().random().Id128().ToText());
  row.set_act(Serialize(*act));
  row.set_state(piivault::v1::PROPOSAL_STATE_OPEN);
  row.set_proposer(call.caller());
  row.set_proposer_person(call.caller_person());
  row.set_create_time_micros(call.now_micros());
  row.set_expire_time_micros(ExpiryOf(call, *effect));
  row.set_basis(HashOfBasis(*effect));
  call.set_resource(effect->resource);
  call.set_proposal(std::string(AsView(HashOf(row))));

  std::optional<uint32_t> destroy_epoch;
  // One person may do what two should, but is not for that a department's manager.
  if (call.state().single_operator() && CheckManager(call, *act).ok()) {
    absl::Status in_time = CheckTime(call, *effect);
    if (!in_time.ok()) return call.Refuse(in_time);
    if (absl::Status noted = NoteChangers(call, row, &*effect); !noted.ok()) {
      return call.Refuse(noted);
    }
    MarkApproved(call, *effect, &row);
    call.set_by_single_operator();
    ApplyAct(call, *effect);
    destroy_epoch = effect->destroy_epoch;
  }
  call.change().PutProposal(row);
  if (record->has_value()) {
    piivault::v1::CreateProposalResponse answer;
    answer.mutable_proposal()->set_name(ProposalName(row.id()));
    call.Remember(**record, answer);
  }
  return AnswerWithProposal<piivault::v1::CreateProposalResponse>(call, row, destroy_epoch);
}

Plan AdminGetProposal(AdminCall& call) {
  auto proposal = Named(call, call.request<piivault::v1::GetProposalRequest>().name());
  if (!proposal.ok()) return call.Refuse(proposal.status());
  auto* response = call.response<piivault::v1::GetProposalResponse>();
  piivault::v1::Proposal* shown = response->mutable_proposal();
  if (absl::Status status = FillProposal((*proposal)->row, call.now_micros(), shown);
      !status.ok()) {
    return call.Refuse(status);
  }
  if (shown->has_activate_policy() && shown->state() == piivault::v1::PROPOSAL_STATE_OPEN) {
    FillProposedPolicy(call.state(), *call.dependencies().comparisons, call.now(),
                       shown->mutable_activate_policy());
  }
  return call.Answer(response);
}

Plan AdminListProposals(AdminCall& call) {
  const auto& request = call.request<piivault::v1::ListProposalsRequest>();
  std::vector<std::pair<std::string, const ProposalState*>> items;
  for (const auto& [id, proposal] : call.state().proposals()) {
    if (request.state() != piivault::v1::PROPOSAL_STATE_UNSPECIFIED &&
        request.state() != StateOf(proposal->row, call.now_micros())) {
      continue;
    }
    items.emplace_back(NewestFirstKey(proposal->row.create_time_micros(), id), proposal.get());
  }
  auto page = PageOf(call, request, std::move(items));
  if (!page.ok()) return call.Refuse(page.status());
  auto* response = call.response<piivault::v1::ListProposalsResponse>();
  for (const ProposalState* proposal : page->items) {
    Proposal* shown = response->add_proposals();
    absl::Status status = FillProposal(proposal->row, call.now_micros(), shown);
    if (!status.ok()) return call.Refuse(status);
    // As long as the rest of a page; GetProposal has it.
    if (shown->has_activate_policy() && shown->activate_policy().has_change()) {
      shown->mutable_activate_policy()->mutable_change()->clear_content();
    }
  }
  response->set_next_page_token(page->next_page_token);
  return call.Answer(response);
}

Plan AdminApproveProposal(AdminCall& call) {
  const auto& request = call.request<piivault::v1::ApproveProposalRequest>();
  auto proposal = Named(call, request.name());
  if (!proposal.ok()) return call.Refuse(proposal.status());
  ProposalRow row = (*proposal)->row;
  if (!IsSha256Hex(request.sha256())) return call.Refuse(BadArgument("sha256"));
  if (absl::Status status = CheckOpen(call, row); !status.ok()) return call.Refuse(status);
  if (absl::Status status = CheckTwoPersons(call, row); !status.ok()) return call.Refuse(status);
  const std::string hash(AsView(HashOf(row)));
  if (FromHex(request.sha256()) != hash) {
    return call.Refuse(authz::Reason::kProposalStale, {"sha256"});
  }
  Proposal act;
  if (!act.ParseFromString(row.act())) return call.Refuse(authz::Reason::kDataLoss);
  auto effect = CheckAct(call, act);
  if (!effect.ok()) return call.Refuse(effect.status());
  if (HashOfBasis(*effect) != row.basis()) return call.Refuse(authz::Reason::kProposalStale);
  if (absl::Status status = CheckManager(call, act); !status.ok()) return call.Refuse(status);
  if (absl::Status status = CheckTime(call, *effect); !status.ok()) return call.Refuse(status);
  if (absl::Status status = NoteChangers(call, row, &*effect); !status.ok()) {
    return call.Refuse(status);
  }

  call.set_resource(effect->resource);
  call.set_proposal(hash);
  ApplyAct(call, *effect);
  MarkApproved(call, *effect, &row);
  call.change().PutProposal(row);
  return AnswerWithProposal<piivault::v1::ApproveProposalResponse>(call, row,
                                                                   effect->destroy_epoch);
}

Plan AdminRejectProposal(AdminCall& call) {
  auto proposal = Named(call, call.request<piivault::v1::RejectProposalRequest>().name());
  if (!proposal.ok()) return call.Refuse(proposal.status());
  ProposalRow row = (*proposal)->row;
  if (absl::Status status = CheckOpen(call, row); !status.ok()) return call.Refuse(status);
  row.set_state(piivault::v1::PROPOSAL_STATE_REJECTED);
  row.set_decider(call.caller());
  row.set_decide_time_micros(call.now_micros());
  call.change().PutProposal(row);
  return AnswerWithProposal<piivault::v1::RejectProposalResponse>(call, row);
}

}  // namespace piivault::vault
