// What the operators' texts promise of their own changes is asked of whoever activates a policy.
#include <fstream>
#include <sstream>

#include "authz/policy_diff.h"
#include "tests/vault/service/admin_testing.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

using namespace piivault::v1;  // NOLINT: the wire's messages, in a test of nothing else
using authz::Reason;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

std::string Shipped(const std::string& name) {
  std::ifstream file(std::string(PIIVAULT_SOURCE_DIR) + "/ops/policies/" + name);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string SmallPolicy(const std::string& promise, const std::string& label = "Work",
                        const std::string& field = "email") {
  return "policy: small\ntimezone: Asia/Tokyo\n"
         "types: {customer: {fields: {email: email_address, name: person_name}}}\n"
         "purposes: {work: {label: {en: " +
         label +
         "}}}\n"
         "roles: {engineer: {kind: staff, nda: none}}\n"
         "grants: [{id: read, role: engineer, may: [reveal], fields: [customer." +
         field + "], for: [work]}]\n" + (promise.empty() ? "" : "policy_change: " + promise + "\n");
}

class AdminPolicyChangeTest : public AdminTest {
 protected:
  explicit AdminPolicyChangeTest(bool single_operator = false) : AdminTest(single_operator) {}

  std::string LoadPolicy(const std::string& yaml, const std::string& values = "") {
    CreatePolicyRequest load;
    load.set_yaml(yaml);
    load.set_values_yaml(values);
    auto loaded = Call<CreatePolicyResponse>("aoki", "CreatePolicy", load);
    EXPECT_TRUE(loaded.ok());
    return loaded.response.policy().name().substr(9);
  }
  CreateProposalRequest Request(const std::string& hash) {
    CreateProposalRequest request;
    auto* act = request.mutable_proposal()->mutable_activate_policy();
    act->set_tenant("tenants/default");
    act->set_policy_sha256(hash);
    act->set_reason("a test");
    *act->mutable_change() = change_;
    return request;
  }
  auto ProposeActivation(const std::string& hash) { return Propose("aoki", Request(hash)); }
  // How proposing and approving ends.
  Reason TryToActivate(const std::string& hash) {
    const auto proposed = ProposeActivation(hash);
    return proposed.ok() ? Approve("baba", proposed.response.proposal()).reason : proposed.reason;
  }
  void Publish(absl::Time time, const std::string& where = "https://example.jp/privacy") {
    change_.mutable_notice()->mutable_published_time()->set_seconds(absl::ToUnixSeconds(time));
    change_.mutable_notice()->set_where(where);
  }
  void Tell(const std::string& kind, const std::string& text) {
    PolicyChange::Content* part = change_.add_content();
    part->set_kind(kind);
    part->set_text(text);
  }
  std::vector<PolicyActivation> History(const std::string& caller = "baba") {
    ListPolicyActivationsRequest request;
    request.set_tenant("tenants/default");
    auto answer = Call<ListPolicyActivationsResponse>(caller, "ListPolicyActivations", request);
    EXPECT_TRUE(answer.ok());
    return {answer.response.activations().begin(), answer.response.activations().end()};
  }
  std::string InForce() {
    return ToHex(vault_.state()->FindTenant("default")->row.policy_sha256());
  }

  PolicyChange change_;
};

// 001-69: announced with reason and content before it takes effect.
TEST_F(AdminPolicyChangeTest, Clause001_69AnnouncedWithAReasonBeforeItTakesEffect) {
  const std::string values = Shipped("sns-helper.values.yaml");
  const std::string first = LoadPolicy(Shipped("sns-helper.yaml"), values);
  ASSERT_EQ(TryToActivate(first), Reason::kOk) << "the first takes nobody's place";
  const std::string second = LoadPolicy(Shipped("sns-helper.yaml") + "# revised\n", values);

  const auto silent = ProposeActivation(second);
  EXPECT_EQ(silent.reason, Reason::kPolicyChangeIncomplete);
  EXPECT_THAT(silent.fields, UnorderedElementsAre("content.reason", "content.diff", "notice.where",
                                                  "notice.published_time"));
  Publish(vault_.now());
  Tell("diff", "chapter 4: one more purpose");
  EXPECT_THAT(ProposeActivation(second).fields, ElementsAre("content.reason"));
  Tell("reason", "a new service");
  // Published as it takes effect.
  const auto proposed = ProposeActivation(second);
  ASSERT_TRUE(proposed.ok());
  const auto early = Approve("baba", proposed.response.proposal());
  EXPECT_EQ(early.reason, Reason::kPolicyNoticeRunning);
  EXPECT_EQ(authz::ReasonCode(early.reason), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(InForce(), first) << "the old one governs until then";
  vault_.Pass(absl::Microseconds(1));
  EXPECT_EQ(Approve("baba", proposed.response.proposal()).reason, Reason::kOk);
  EXPECT_EQ(InForce(), second);
}

// 002-61: posted on the top page.
TEST_F(AdminPolicyChangeTest, Clause002_61NotWithoutAPosting) {
  dependencies_.sessions = {absl::Minutes(30), absl::Hours(12)};
  const std::string values = Shipped("corezo.values.yaml");
  ASSERT_EQ(TryToActivate(LoadPolicy(Shipped("corezo.yaml"), values)), Reason::kOk);
  const std::string second = LoadPolicy(Shipped("corezo.yaml") + "# revised\n", values);
  EXPECT_EQ(TryToActivate(second), Reason::kPolicyChangeIncomplete);
  Publish(vault_.now(), "the top page");
  EXPECT_EQ(TryToActivate(second), Reason::kOk);
}

// 004-61: without notice. 004-62: with an entry of the changelog. 004-63: of what means something.
TEST_F(AdminPolicyChangeTest, Clause004_61Clause004_62Clause004_63WithoutNoticeButOnRecord) {
  const std::string values = Shipped("priuspro.values.yaml");
  const std::string text = Shipped("priuspro.yaml");
  ASSERT_EQ(TryToActivate(LoadPolicy(text, values)), Reason::kOk);
  const std::string first = InForce();
  EXPECT_EQ(TryToActivate(LoadPolicy(text + "# other words\n", values)), Reason::kOk);
  EXPECT_NE(InForce(), first) << "another version nevertheless";

  std::string changed = text;
  const size_t grant = changed.find("may: [approve_exception], for: [R0]");
  ASSERT_NE(grant, std::string::npos);
  changed.replace(grant, 24, "may: [approve_purpose]");
  const std::string second = LoadPolicy(changed, values);
  const auto silent = ProposeActivation(second);
  EXPECT_EQ(silent.reason, Reason::kPolicyChangeIncomplete);
  EXPECT_THAT(silent.fields, UnorderedElementsAre("content.parts", "content.time"));
  Tell("parts", "article 12");
  Tell("time", "1 April 2027");
  EXPECT_EQ(TryToActivate(second), Reason::kOk);
  EXPECT_THAT(History()[0].change().content(), SizeIs(2));
}

// 003-01: each version is in force from a time to a time, and entries cite the one of theirs.
TEST_F(AdminPolicyChangeTest, Clause003_01EachVersionHasItsTime) {
  const std::string first = LoadPolicy(SmallPolicy("{notice: none_required, content: [reason]}"));
  const absl::Time start = vault_.now();
  ASSERT_EQ(TryToActivate(first), Reason::kOk);
  vault_.Pass(absl::Hours(1));
  const std::string second = LoadPolicy(SmallPolicy("", "Labour"));
  Tell("reason", "another word");
  const auto proposed = ProposeActivation(second);
  // Decided under the first, that entry cites it.
  EXPECT_EQ(ToHex(proposed.entry.policy_sha256()), first);
  const auto approved = Approve("baba", proposed.response.proposal());
  ASSERT_TRUE(approved.ok());
  EXPECT_EQ(approved.entry.arguments().at("policy"), second);
  EXPECT_EQ(ToHex(approved.entry.proposal_sha256()), proposed.response.proposal().sha256());
  const absl::Time change = vault_.now();
  vault_.Pass(absl::Hours(1));

  const std::vector<PolicyActivation> history = History();
  ASSERT_THAT(history, SizeIs(2));
  EXPECT_EQ(history[0].number(), 2u);
  EXPECT_EQ(history[0].policy_sha256(), second);
  EXPECT_EQ(history[0].start_time().seconds(), absl::ToUnixSeconds(change));
  EXPECT_FALSE(history[0].has_end_time());
  EXPECT_EQ(history[0].proposal(), proposed.response.proposal().name());
  EXPECT_EQ(history[0].proposer(), "principals/aoki");
  EXPECT_EQ(history[0].approver(), "principals/baba");
  EXPECT_EQ(history[0].reason(), "a test");
  EXPECT_EQ(history[0].change().content(0).text(), "another word");
  EXPECT_EQ(history[1].number(), 1u);
  EXPECT_EQ(history[1].policy_sha256(), first);
  EXPECT_EQ(history[1].policy_id(), "small");
  EXPECT_EQ(history[1].start_time().seconds(), absl::ToUnixSeconds(start));
  EXPECT_EQ(history[1].end_time().seconds(), absl::ToUnixSeconds(change));
  EXPECT_NE(history[0].semantic_sha256(), history[1].semantic_sha256()) << "the promise went";
  // After a restart too.
  ASSERT_TRUE(vault_.Open().ok());
  EXPECT_EQ(vault_.state()->FindTenant("default")->row.activations(), 2u);
}

TEST_F(AdminPolicyChangeTest, HistoryIsOfOneTenantAndComesInPages) {
  CreateTenantRequest other;
  other.mutable_tenant()->set_name("tenants/other");
  ASSERT_TRUE(Call<CreateTenantResponse>("aoki", "CreateTenant", other).ok());
  const std::string hash = LoadPolicy(SmallPolicy(""));
  CreateProposalRequest elsewhere = Request(hash);
  elsewhere.mutable_proposal()->mutable_activate_policy()->set_tenant("tenants/other");
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(Approve("baba", Propose("aoki", elsewhere).response.proposal()).ok());
  }
  for (int i = 0; i < 3; ++i) ASSERT_EQ(TryToActivate(hash), Reason::kOk);
  // Rejected and open ones are none of it.
  ASSERT_TRUE(ProposeActivation(hash).ok());

  ListPolicyActivationsRequest request;
  request.set_tenant("tenants/default");
  request.set_page_size(2);
  auto page = Call<ListPolicyActivationsResponse>("aoki", "ListPolicyActivations", request);
  ASSERT_THAT(page.response.activations(), SizeIs(2));
  EXPECT_EQ(page.response.activations(0).number(), 3u);
  EXPECT_EQ(page.response.activations(1).number(), 2u);
  request.set_page_token(page.response.next_page_token());
  page = Call<ListPolicyActivationsResponse>("aoki", "ListPolicyActivations", request);
  ASSERT_THAT(page.response.activations(), SizeIs(1));
  EXPECT_EQ(page.response.activations(0).number(), 1u);
  EXPECT_THAT(page.response.next_page_token(), IsEmpty());

  request.set_tenant("tenants/nobody");
  EXPECT_EQ(Call<ListPolicyActivationsResponse>("aoki", "ListPolicyActivations", request).reason,
            Reason::kNotFound);
}

TEST_F(AdminPolicyChangeTest, AProposalOutlivesTheNotice) {
  ASSERT_EQ(TryToActivate(LoadPolicy(SmallPolicy("{notice: before_effective, lead_time: 1mo}"))),
            Reason::kOk);
  vault_.Pass(absl::Hours(48));
  const std::string second = LoadPolicy(SmallPolicy("", "Labour"));
  const absl::Time published = vault_.now() - absl::Hours(24);
  Publish(published);
  const auto proposed = ProposeActivation(second);
  ASSERT_TRUE(proposed.ok());
  EXPECT_EQ(Approve("baba", proposed.response.proposal()).reason, Reason::kPolicyNoticeRunning);

  GetProposalRequest get;
  get.set_name(proposed.response.proposal().name());
  const auto shown = Call<GetProposalResponse>("baba", "GetProposal", get).response.proposal();
  EXPECT_EQ(shown.sha256(), proposed.response.proposal().sha256());
  EXPECT_EQ(shown.activate_policy().change().notice().where(), "https://example.jp/privacy");
  ASSERT_TRUE(shown.activate_policy().has_approvable_time());
  const absl::Time from =
      absl::FromUnixSeconds(shown.activate_policy().approvable_time().seconds());
  EXPECT_GT(from - published, absl::Hours(24 * 27));
  EXPECT_EQ(shown.expire_time().seconds(), absl::ToUnixSeconds(from + kProposalLifetime));
  vault_.Pass(from - vault_.now() - absl::Microseconds(1));
  EXPECT_EQ(Approve("baba", shown).reason, Reason::kPolicyNoticeRunning);
  vault_.Pass(absl::Microseconds(1));
  EXPECT_EQ(Approve("baba", shown).reason, Reason::kOk);
}

// A publication is about the change that followed it, not about all that come.
TEST_F(AdminPolicyChangeTest, ANoticeIsUsedOnce) {
  const std::string promise = "{notice: before_effective}";
  const std::string first = LoadPolicy(SmallPolicy(promise));
  const std::string second = LoadPolicy(SmallPolicy(promise, "Labour"));
  ASSERT_EQ(TryToActivate(first), Reason::kOk);
  const PolicyChange none = change_;
  vault_.Pass(absl::Hours(1));
  Publish(vault_.now() - absl::Hours(1) - absl::Seconds(1));
  const auto dated_back = ProposeActivation(second);
  EXPECT_EQ(dated_back.reason, Reason::kPolicyChangeIncomplete);
  EXPECT_THAT(dated_back.fields, ElementsAre("notice.published_time"));
  Publish(vault_.now() - absl::Seconds(1));
  change_.mutable_notice()->set_document_sha256(std::string(64, 'd'));
  ASSERT_EQ(TryToActivate(second), Reason::kOk);
  const PolicyChange used = change_;
  // There and back, and there again by what was published the first time.
  vault_.Pass(absl::Hours(1));
  change_ = none;
  Publish(vault_.now() - absl::Seconds(1));
  ASSERT_EQ(TryToActivate(first), Reason::kOk);
  vault_.Pass(absl::Hours(1));
  change_ = used;
  EXPECT_THAT(ProposeActivation(second).fields,
              testing::UnorderedElementsAre("notice.published_time", "notice.document_sha256"));
  Publish(vault_.now() - absl::Seconds(1));
  EXPECT_THAT(ProposeActivation(second).fields, ElementsAre("notice.document_sha256"));
  change_.mutable_notice()->set_document_sha256(std::string(64, 'e'));
  EXPECT_EQ(TryToActivate(second), Reason::kOk);
}

TEST_F(AdminPolicyChangeTest, ADocumentOfAnotherTenantIsNotUsed) {
  CreateTenantRequest other;
  other.mutable_tenant()->set_name("tenants/other");
  ASSERT_TRUE(Call<CreateTenantResponse>("aoki", "CreateTenant", other).ok());
  const std::string hash = LoadPolicy(SmallPolicy("{notice: top_page_posting}"));
  ASSERT_EQ(TryToActivate(hash), Reason::kOk);
  Publish(vault_.now());
  change_.mutable_notice()->set_document_sha256(std::string(64, 'd'));
  CreateProposalRequest elsewhere = Request(hash);
  elsewhere.mutable_proposal()->mutable_activate_policy()->set_tenant("tenants/other");
  ASSERT_TRUE(Approve("baba", Propose("aoki", elsewhere).response.proposal()).ok());
  EXPECT_EQ(TryToActivate(hash), Reason::kOk);
}

// What one notice was given for is not approved for another time meanwhile.
TEST_F(AdminPolicyChangeTest, ANoticeThatWasUsedMeanwhileIsNoneAtTheApproval) {
  ASSERT_EQ(TryToActivate(LoadPolicy(SmallPolicy("{notice: top_page_posting}"))), Reason::kOk);
  Publish(vault_.now());
  const std::string second = LoadPolicy(SmallPolicy("", "Labour"));
  const auto waiting = ProposeActivation(second);
  vault_.Pass(absl::Seconds(1));
  ASSERT_EQ(TryToActivate(second), Reason::kOk);
  EXPECT_NE(Approve("baba", waiting.response.proposal()).reason, Reason::kOk);
}

TEST_F(AdminPolicyChangeTest, WhoApprovesSeesWhenThePolicyWasLoaded) {
  ASSERT_EQ(TryToActivate(LoadPolicy(SmallPolicy(""))), Reason::kOk);
  const std::string second = LoadPolicy(SmallPolicy("", "Labour"));
  const absl::Time loaded = vault_.now();
  vault_.Pass(absl::Hours(1));
  Publish(loaded - absl::Seconds(5));
  CreateProposalRequest request = Request(second);
  auto* act = request.mutable_proposal()->mutable_activate_policy();
  act->mutable_policy_create_time()->set_seconds(7);
  const auto proposed = Propose("aoki", request);
  ASSERT_TRUE(proposed.ok());
  EXPECT_FALSE(proposed.response.proposal().activate_policy().has_policy_create_time());
  GetProposalRequest get;
  get.set_name(proposed.response.proposal().name());
  const Proposal shown = Call<GetProposalResponse>("baba", "GetProposal", get).response.proposal();
  EXPECT_EQ(shown.activate_policy().policy_create_time().seconds(), absl::ToUnixSeconds(loaded));
  EXPECT_EQ(shown.activate_policy().change().notice().published_time().seconds(),
            absl::ToUnixSeconds(loaded) - 5);
}

// A policy that was replaced and came back is not the one that the proposal was made against.
TEST_F(AdminPolicyChangeTest, AProposalIsStaleAlsoWhenThePolicyIsBack) {
  const std::string first = LoadPolicy(SmallPolicy(""));
  const std::string second = LoadPolicy(SmallPolicy("", "Labour"));
  ASSERT_EQ(TryToActivate(first), Reason::kOk);
  const auto waiting = ProposeActivation(second);
  ASSERT_TRUE(waiting.ok());
  ASSERT_EQ(TryToActivate(second), Reason::kOk);
  ASSERT_EQ(TryToActivate(first), Reason::kOk);
  EXPECT_EQ(Approve("baba", waiting.response.proposal()).reason, Reason::kProposalStale);
}

TEST_F(AdminPolicyChangeTest, WhatWouldWaitForMoreThanAYearIsNotProposed) {
  ASSERT_EQ(TryToActivate(LoadPolicy(SmallPolicy("{notice: before_effective, lead_time: 2y}"))),
            Reason::kOk);
  Publish(vault_.now());
  const auto proposed = ProposeActivation(LoadPolicy(SmallPolicy("")));
  EXPECT_EQ(proposed.reason, Reason::kPolicyNoticeRunning);
  EXPECT_THAT(proposed.fields, ElementsAre("activate_policy.change.notice"));
}

TEST_F(AdminPolicyChangeTest, APolicyThatCameIntoForceMeanwhileAsksToo) {
  ASSERT_EQ(TryToActivate(LoadPolicy(SmallPolicy(""))), Reason::kOk);
  const std::string target = LoadPolicy(SmallPolicy("", "Labour"));
  const auto waiting = ProposeActivation(target);
  ASSERT_TRUE(waiting.ok());
  ASSERT_EQ(TryToActivate(LoadPolicy(SmallPolicy("{notice: none_required}"))), Reason::kOk);
  EXPECT_EQ(Approve("baba", waiting.response.proposal()).reason, Reason::kProposalStale);
}

TEST_F(AdminPolicyChangeTest, WhatIsSaidIsPartOfWhatIsApproved) {
  const std::string hash = LoadPolicy(SmallPolicy(""));
  const std::string plain = ProposeActivation(hash).response.proposal().sha256();
  Tell("reason", "one thing");
  const Proposal proposal = ProposeActivation(hash).response.proposal();
  storage::v1::ProposalRow row = vault_.state()->FindProposal(proposal.name().substr(10))->row;
  Proposal act;
  ASSERT_TRUE(act.ParseFromString(row.act()));
  act.mutable_activate_policy()->mutable_change()->mutable_content(0)->set_text("another");
  row.set_act(act.SerializeAsString());
  StateChange change = vault_.NewChange();
  change.PutProposal(row);
  ASSERT_TRUE(vault_.Commit(std::move(change)).ok());
  EXPECT_EQ(Approve("baba", proposal).reason, Reason::kProposalStale);
  // What is answered only is not.
  CreateProposalRequest request = Request(hash);
  request.mutable_proposal()->mutable_activate_policy()->mutable_approvable_time()->set_seconds(7);
  const auto proposed = Propose("aoki", request);
  EXPECT_FALSE(proposed.response.proposal().activate_policy().has_approvable_time());
}

TEST_F(AdminPolicyChangeTest, IsOfFormAndSize) {
  const std::string hash = LoadPolicy(SmallPolicy(""));
  const auto refused = [&](const std::function<void(PolicyChange&)>& breaks) {
    change_.Clear();
    breaks(change_);
    return ProposeActivation(hash).fields;
  };
  EXPECT_THAT(
      refused([](PolicyChange& c) { c.mutable_notice()->set_where(std::string(201, 'x')); }),
      ElementsAre("change.notice.where"));
  EXPECT_THAT(refused([](PolicyChange& c) { c.mutable_notice()->set_document_sha256("ab"); }),
              ElementsAre("change.notice.document_sha256"));
  EXPECT_THAT(refused([](PolicyChange& c) {
                c.mutable_notice()->mutable_published_time()->set_seconds(-1);
              }),
              ElementsAre("change.notice.published_time"));
  EXPECT_THAT(refused([&](PolicyChange&) { Tell("gossip", "x"); }),
              ElementsAre("change.content.kind"));
  EXPECT_THAT(refused([&](PolicyChange&) {
                Tell("reason", "x");
                Tell("reason", "y");
              }),
              ElementsAre("change.content.kind"));
  EXPECT_THAT(refused([&](PolicyChange&) { Tell("reason", ""); }),
              ElementsAre("change.content.text"));
  EXPECT_THAT(refused([&](PolicyChange&) { Tell("reason", std::string(2001, 'x')); }),
              ElementsAre("change.content.text"));
  EXPECT_THAT(refused([&](PolicyChange&) { Tell("reason", "x\x1b[2J"); }),
              ElementsAre("change.content.text"));
  EXPECT_THAT(refused([&](PolicyChange&) { Tell("reason", "two\nlines"); }), IsEmpty());
}

TEST_F(AdminPolicyChangeTest, ComparesTwoPoliciesOnce) {
  ASSERT_EQ(TryToActivate(LoadPolicy(SmallPolicy(""))), Reason::kOk);
  const auto proposed = ProposeActivation(LoadPolicy(SmallPolicy("", "Work", "name")));
  GetProposalRequest get;
  get.set_name(proposed.response.proposal().name());
  const auto first = Call<GetProposalResponse>("baba", "GetProposal", get);
  EXPECT_EQ(first.response.proposal().activate_policy().newly_granted_count(), 1);
  const size_t worked = dependencies_.comparisons->worked();
  const auto second = Call<GetProposalResponse>("baba", "GetProposal", get);
  EXPECT_EQ(dependencies_.comparisons->worked(), worked);
  EXPECT_EQ(second.response.SerializeAsString(), first.response.SerializeAsString());
}

TEST(PolicyComparisonsTest, AreBounded) {
  PolicyComparisons comparisons;
  std::vector<std::shared_ptr<const authz::Policy>> policies;
  for (size_t i = 0; i <= PolicyComparisons::kKept; ++i) {
    authz::PolicyText text;
    text.yaml = SmallPolicy("", "Work" + std::to_string(i));
    policies.push_back(*authz::Policy::Load(text));
    EXPECT_EQ(*comparisons.Meaning(*policies.back()), authz::SemanticHash(*policies.back()));
  }
  const size_t worked = comparisons.worked();
  comparisons.Meaning(*policies.back());
  EXPECT_EQ(comparisons.worked(), worked);
  comparisons.Meaning(*policies.front());
  EXPECT_EQ(comparisons.worked(), worked + 1) << "the oldest gave way";
}

class SingleOperatorPolicyChangeTest : public AdminPolicyChangeTest {
 protected:
  SingleOperatorPolicyChangeTest() : AdminPolicyChangeTest(true) {}
};

TEST_F(SingleOperatorPolicyChangeTest, DoesNotCutTheNoticeShort) {
  ASSERT_TRUE(
      ProposeActivation(LoadPolicy(SmallPolicy("{notice: before_effective, lead_time: 1d}"))).ok());
  const std::string first = InForce();
  const std::string second = LoadPolicy(SmallPolicy("", "Labour"));
  Publish(vault_.now());
  EXPECT_EQ(ProposeActivation(second).reason, Reason::kPolicyNoticeRunning);
  EXPECT_EQ(InForce(), first);
  vault_.Pass(absl::Hours(24));
  EXPECT_TRUE(ProposeActivation(second).ok());
  EXPECT_EQ(InForce(), second);
  ASSERT_THAT(History("aoki"), SizeIs(2));
  EXPECT_EQ(History("aoki")[0].approver(), "principals/aoki");
}

}  // namespace
}  // namespace piivault::vault
