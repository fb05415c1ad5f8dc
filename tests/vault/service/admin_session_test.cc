// Who calls, under which name resources go, and how entries begin.

#include "tests/vault/service/admin_testing.h"
#include "vault/audit/entry_builder.h"
#include "vault/service/errors.h"
#include "vault/service/resource_name.h"
#include "vault/service/session.h"

namespace piivault::vault {
namespace {

using authz::Reason;

class SessionTest : public AdminTest {
 protected:
  // Identifies `identity`; ListTenants stands for any method.
  Session MakeSession(const std::shared_ptr<const CallerIdentity>& identity) {
    context_.emplace(CallContext{.method = *methods_.Find("piivault.v1.AdminService/ListTenants"),
                                 .caller = identity,
                                 .peer = "ipv4:192.0.2.77:4711",
                                 .deadline = absl::InfiniteFuture()});
    context_->now = vault_.now();
    context_->as_of = vault_.engine().AppliedSequence();
    return Session(*context_, vault_.store(), SystemRandom());
  }
  Session MakeSession(const std::string& name) { return MakeSession(Certificate(name)); }

  std::optional<CallContext> context_;
};

TEST_F(SessionTest, IdentifiesAndTakesTheCellsThatDecide) {
  Session session = MakeSession("aoki");
  ASSERT_TRUE(session.identified());
  EXPECT_EQ(session.principal()->name, "principals/aoki");
  EXPECT_EQ(session.person()->name, "persons/aoki");
  EXPECT_EQ(context_->principal, "aoki");
  ASSERT_NE(session.UseTenant("tenants/default"), nullptr);
  EXPECT_THAT(session.reads(), testing::UnorderedElementsAre(
                                   PrincipalCell("aoki"), PersonCell("aoki"),
                                   DenylistCell(AsView(Sha256("aoki"))), TenantCell("default")));
}

TEST_F(SessionTest, RefusesWhoIsNotKnown) {
  EXPECT_EQ(MakeSession("stranger").problem(), Reason::kPrincipalUnknown);
  EXPECT_EQ(MakeSession("stranger").principal(), nullptr);

  CallerIdentity other = *Certificate("aoki");
  other.problem = Reason::kCertificateInvalid;
  EXPECT_EQ(MakeSession(std::make_shared<CallerIdentity>(other)).problem(),
            Reason::kCertificateInvalid);
  other = *Certificate("aoki");
  other.not_after = vault_.now() - absl::Seconds(1);
  EXPECT_EQ(MakeSession(std::make_shared<CallerIdentity>(other)).problem(),
            Reason::kCertificateInvalid);
}

// Who runs a recipients' certificate authority is outside, whatever names it writes.
TEST_F(SessionTest, ARecipientsRootNamesRecipientsAndNobodyElse) {
  storage::v1::PrincipalRow row;
  row.set_name("default.carrier");
  row.set_kind(v1::PRINCIPAL_KIND_RECIPIENT);
  row.add_identities()->set_uri("spiffe://example.test/carrier");
  StateChange change = vault_.NewChange();
  change.PutPrincipal(row);
  ASSERT_TRUE(vault_.Commit(std::move(change)).ok());

  outside_ = {"carrier", "aoki", "stranger"};
  EXPECT_EQ(MakeSession("carrier").problem(), Reason::kOk);
  Session impostor = MakeSession("aoki");
  EXPECT_EQ(impostor.problem(), Reason::kCertificateInvalid);
  EXPECT_EQ(impostor.principal(), nullptr);
  EXPECT_EQ(context_->principal, "") << "the administrator is not blamed";
  EXPECT_EQ(impostor.NewEntry().principal(), "");
  EXPECT_EQ(MakeSession("stranger").problem(), Reason::kPrincipalUnknown);

  outside_ = {};
  EXPECT_EQ(MakeSession("carrier").problem(), Reason::kCertificateInvalid);
  EXPECT_EQ(MakeSession("aoki").problem(), Reason::kOk);
}

TEST_F(SessionTest, AnIdentityCountsFromItsBeginningToItsEnd) {
  storage::v1::PrincipalRow row = vault_.state()->FindPrincipal("aoki")->row;
  const int64_t now = absl::ToUnixMicros(vault_.now());
  const auto problem = [&](int64_t begin, int64_t end) {
    row.mutable_identities(0)->set_not_before_micros(begin);
    row.mutable_identities(0)->set_not_after_micros(end);
    StateChange change = vault_.NewChange();
    change.PutPrincipal(row);
    EXPECT_TRUE(vault_.Commit(std::move(change)).ok());
    return MakeSession("aoki").problem();
  };
  EXPECT_EQ(problem(now, now), Reason::kOk);
  EXPECT_EQ(problem(now + 1, 0), Reason::kCertificateInvalid);
  EXPECT_EQ(problem(0, now - 1), Reason::kCertificateInvalid);
}

TEST_F(SessionTest, UnknownAndMalformedTenantsLookTheSame) {
  Session session = MakeSession("aoki");
  for (const char* name : {"tenants/none", "tenants/", "default", "tenants/Default", ""}) {
    EXPECT_EQ(session.UseTenant(name), nullptr) << name;
  }
}

TEST_F(SessionTest, RefusalsHaveAnEntryAndNoReadSet) {
  Session session = MakeSession("aoki");
  const Plan plan = session.Refuse(MakeError(Reason::kNdaExpired, "reader.email"), "persons/x");
  EXPECT_EQ(plan.reason, Reason::kNdaExpired);
  EXPECT_THAT(plan.denied_fields, testing::ElementsAre("reader.email"));
  EXPECT_THAT(plan.reads, testing::IsEmpty());
  ASSERT_TRUE(plan.entry.has_value());
  storage::v1::EntryBody body;
  ASSERT_TRUE(body.ParseFromString(plan.entry->body));
  EXPECT_EQ(body.reason(), "NDA_EXPIRED");
  EXPECT_EQ(body.resource(), "persons/x");
}

TEST_F(SessionTest, TheRefuserSaysFirstWhoMayNotCallAtAll) {
  SessionRefuser refuser(vault_.store(), SystemRandom());
  MakeSession("stranger");
  EXPECT_EQ(refuser.Refuse(*context_, Reason::kUnknownMethod).reason, Reason::kPrincipalUnknown);
  EXPECT_EQ(refuser.Screen(*context_), Reason::kPrincipalUnknown);
  MakeSession("aoki");
  EXPECT_EQ(refuser.Screen(*context_), Reason::kOk);
  EXPECT_EQ(refuser.Refuse(*context_, Reason::kUnknownMethod).reason, Reason::kUnknownMethod);
}

TEST(EntryBuilderTest, PeersInTheFormThatIsAllowed) {
  using authz::PeerForm;
  const HmacKey key("key");
  const auto form = [&](const char* peer, PeerForm how) { return FormatPeer(peer, how, key); };
  EXPECT_EQ(form("ipv4:192.0.2.77:4711", PeerForm::kPlain), "192.0.2.77");
  EXPECT_EQ(form("ipv4:192.0.2.77:4711", PeerForm::kTruncated), "192.0.2.0/24");
  EXPECT_EQ(form("ipv6:%5B2001:db8:1:2::9%5D:4711", PeerForm::kPlain), "2001:db8:1:2::9");
  EXPECT_EQ(form("ipv6:[2001:db8:1:2::9]:4711", PeerForm::kTruncated), "2001:db8:1::/48");
  EXPECT_EQ(form("ipv6:[::ffff:192.0.2.77]:1", PeerForm::kTruncated), "192.0.2.0/24");
  EXPECT_EQ(form("ipv6:[fe80::1%25eth0]:1", PeerForm::kPlain), "fe80::1");
  EXPECT_EQ(form("unix:/run/x", PeerForm::kPlain), "");
  EXPECT_EQ(form("", PeerForm::kPlain), "");
  const std::string hashed = form("ipv4:192.0.2.77:4711", PeerForm::kHashed);
  EXPECT_EQ(hashed.size(), 16u);
  EXPECT_EQ(hashed, form("ipv4:192.0.2.77:9", PeerForm::kHashed));
  EXPECT_NE(hashed, form("ipv4:192.0.2.78:4711", PeerForm::kHashed));
  EXPECT_NE(hashed, FormatPeer("ipv4:192.0.2.77:4711", PeerForm::kHashed, HmacKey("other")));
}

TEST(EntryBuilderTest, DeniedIsWhoMayNotFailedIsTheRest) {
  EXPECT_EQ(DecisionFor(Reason::kOk), storage::v1::DECISION_GRANTED);
  for (Reason reason : {Reason::kNdaExpired, Reason::kTenantUnknown, Reason::kConsentMissing,
                        Reason::kProposalSelfApproval, Reason::kLastAdministrators}) {
    EXPECT_EQ(DecisionFor(reason), storage::v1::DECISION_DENIED) << authz::ReasonName(reason);
  }
  for (Reason reason : {Reason::kNotFound, Reason::kMalformedRequest, Reason::kConflict,
                        Reason::kProposalStale, Reason::kDataLoss}) {
    EXPECT_EQ(DecisionFor(reason), storage::v1::DECISION_FAILED) << authz::ReasonName(reason);
  }
}

TEST(EntryBuilderTest, SaltsDiffer) {
  const storage::v1::EntryBody body;
  EXPECT_NE(DraftEntry(body, SystemRandom()).salt, DraftEntry(body, SystemRandom()).salt);
}

TEST(ResourceNameTest, TakesExactlyWhatItMakes) {
  const storage::Id128 subject = SystemRandom().Id128();
  const storage::Id128 record = SystemRandom().Id128();
  const std::string name = MakeRecordName("default", subject, record);
  const auto parsed = ParseRecordName(name);
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->tenant, "default");
  EXPECT_EQ(parsed->subject, subject);
  EXPECT_EQ(parsed->record, record);
  EXPECT_EQ(ParseSubjectName(MakeSubjectName("default", subject))->subject, subject);
  const auto by_ref = ParseRecordName("tenants/default/records/ref:reader:a/b:17");
  ASSERT_TRUE(by_ref.has_value());
  EXPECT_EQ(by_ref->type, "reader");
  EXPECT_EQ(by_ref->ref, "a/b:17");
  for (const std::string& bad :
       {name + "/", name.substr(0, name.size() - 1), "/" + name, name + "a", std::string(),
        std::string("tenants/default/subjects//records/"),
        std::string("tenants/default/records/ref::17"),
        std::string("tenants/default/records/ref:reader:"),
        std::string("tenants/Default/records/ref:reader:17")}) {
    EXPECT_FALSE(ParseRecordName(bad).has_value()) << bad;
  }
}

TEST(ResourceNameTest, RecipientsAndTheirPrincipals) {
  EXPECT_EQ(ParsePrincipalName("principals/sato"), "sato");
  EXPECT_EQ(ParsePrincipalName("principals/default.yamato"), "default.yamato");
  for (const char* bad : {"principals/.yamato", "principals/default.", "principals/a.b.c",
                          "principals/Default.yamato", "principals/."}) {
    EXPECT_FALSE(ParsePrincipalName(bad).has_value()) << bad;
  }
  const auto recipient = ParseRecipientName("tenants/default/recipients/yamato");
  ASSERT_TRUE(recipient.has_value());
  EXPECT_EQ(recipient->tenant, "default");
  EXPECT_EQ(recipient->recipient, "yamato");
  const std::string id = SystemRandom().Id128().ToText();
  const std::string name = MakeRecipientAttestationName("default", "yamato", id);
  const auto attestation = ParseRecipientAttestationName(name);
  ASSERT_TRUE(attestation.has_value());
  EXPECT_EQ(attestation->recipient.tenant, "default");
  EXPECT_EQ(attestation->recipient.recipient, "yamato");
  EXPECT_EQ(attestation->attestation, id);
  for (const std::string& bad :
       {std::string("tenants/default/recipients/"), std::string("tenants//recipients/yamato"),
        std::string("tenants/default/recipients/a.b"), std::string("recipients/yamato"),
        std::string("tenants/default/recipients/yamato/"), name, name + "/", std::string()}) {
    EXPECT_FALSE(ParseRecipientName(bad).has_value()) << bad;
    EXPECT_FALSE(ParseRecipientAttestationName(bad + "x").has_value()) << bad;
  }
}

TEST(ErrorsTest, ReasonsSurviveAndOthersAreMapped) {
  EXPECT_EQ(ReasonOf(MakeError(Reason::kEtagMismatch)), Reason::kEtagMismatch);
  EXPECT_EQ(ReasonOf(absl::DataLossError("x")), Reason::kDataLoss);
  EXPECT_EQ(ReasonOf(absl::UnavailableError("x")), Reason::kStorageUnavailable);
  EXPECT_EQ(ReasonOf(absl::InternalError("NDA_EXPIRED: pretends")), Reason::kInternal);
  EXPECT_EQ(ReasonOf(absl::OkStatus()), Reason::kOk);
  EXPECT_THAT(FieldsOf(MakeError(Reason::kFieldUnknown, std::vector<std::string>{"a", "b"})),
              testing::ElementsAre("a", "b"));
}

}  // namespace
}  // namespace piivault::vault
