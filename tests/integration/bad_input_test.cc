// What is wrong in a request gets a code and a reason, is not repeated, and leaves nothing behind.
#include <atomic>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "tests/integration/dev_vault_fixture.h"

namespace piivault::integration {
namespace {

class BadInputTest : public DevVaultFixture {
 protected:
  void SetUp() override {
    Start();
    record_ = NewCustomer({{"email", "taro@example.jp"}});
    name_ = record_.record().name();
    count_ = CountRecords();
  }
  void TearDown() override {
    if (HasFailure()) return;
    EXPECT_EQ(CountRecords(), count_) << "something was half done";
    v1::RevealRecordResponse revealed;
    EXPECT_TRUE(As("engineer").Call(RevealRequest(name_, {"name", "email"}), &revealed).ok());
    EXPECT_EQ(revealed.record().version(), record_.record().version());
  }

  // Expects a refusal with an entry that does not repeat `submitted`.
  void Refused(const Outcome& outcome, const std::string& want, const std::string& submitted = "") {
    EXPECT_EQ(outcome.ToString(), want);
    EXPECT_EQ(outcome.domain, "piivault");
    EXPECT_TRUE(outcome.metadata.count("index")) << want << ": no entry";
    if (!submitted.empty()) {
      EXPECT_EQ(outcome.text.find(submitted), std::string::npos)
          << want << " repeats what was submitted";
    }
  }
  void CreateRefused(const std::map<std::string, std::string>& fields, const std::string& want,
                     const std::string& submitted) {
    SCOPED_TRACE(fields.begin()->first);
    Refused(As("shop").Call(CreateRequest(fields)), want, submitted);
  }

  v1::CreateRecordResponse record_;
  std::string name_;
  int count_ = 0;
};

TEST_F(BadInputTest, UnknownNames) {
  v1::CreateRecordRequest tenant = CreateRequest({{"name", "x"}});
  tenant.set_parent("tenants/nowhere-canary");
  Refused(As("shop").Call(tenant), "NOT_FOUND TENANT_UNKNOWN", "nowhere-canary");
  v1::CreateRecordRequest malformed = CreateRequest({{"name", "x"}});
  malformed.set_parent("tenants/No Where");
  Refused(As("shop").Call(malformed), "INVALID_ARGUMENT MALFORMED_REQUEST", "No Where");
  v1::CreateRecordRequest type = CreateRequest({{"name", "x"}});
  type.mutable_record()->set_type("canary_type");
  Refused(As("shop").Call(type), "INVALID_ARGUMENT TYPE_UNKNOWN", "canary_type");
  CreateRefused({{"canary_field", "x"}}, "INVALID_ARGUMENT FIELD_UNKNOWN", "canary_field");
  v1::CreateRecordRequest purpose = CreateRequest({{"name", "x"}});
  purpose.mutable_usage()->set_purpose("canary_purpose");
  Refused(As("shop").Call(purpose), "PERMISSION_DENIED PURPOSE_UNKNOWN", "canary_purpose");
  purpose.clear_usage();
  Refused(As("shop").Call(purpose), "INVALID_ARGUMENT PURPOSE_MISSING");
  v1::CreateProposalRequest role;
  *role.mutable_proposal() = GrantRole("principals/shop", "canary_role", kTenant);
  Refused(As("admin-1").Call(role), "INVALID_ARGUMENT ROLE_UNKNOWN", "canary_role");
  Refused(As("engineer").Call(RevealRequest(name_, {"canary_field"})),
          "INVALID_ARGUMENT FIELD_UNKNOWN", "canary_field");
  Refused(As("engineer").Call(RevealRequest("tenants/default/subjects/x/records/y")),
          "INVALID_ARGUMENT MALFORMED_REQUEST");
  v1::RevealRecordRequest ticket = RevealRequest(name_);
  ticket.mutable_usage()->clear_ticket();
  Refused(As("engineer").Call(ticket), "INVALID_ARGUMENT TICKET_MISSING");
  ticket.mutable_usage()->set_ticket("canary ticket");
  Refused(As("engineer").Call(ticket), "INVALID_ARGUMENT TICKET_INVALID", "canary ticket");
  ticket.mutable_usage()->set_ticket("4111-1111-1111-1111");
  Refused(As("engineer").Call(ticket), "INVALID_ARGUMENT PROHIBITED_TYPE", "4111");
}

TEST_F(BadInputTest, ValuesOfTheWrongType) {
  CreateRefused({{"email", "canary at example"}}, "INVALID_ARGUMENT VALUE_INVALID", "canary");
  CreateRefused({{"birth_date", "canary-99-99"}}, "INVALID_ARGUMENT VALUE_INVALID", "canary");
  CreateRefused({{"birth_date", "2023-02-30"}}, "INVALID_ARGUMENT VALUE_INVALID", "02-30");
  CreateRefused({{"phone", "canary number"}}, "INVALID_ARGUMENT VALUE_INVALID", "canary");
  // One bad value spoils the update, not only its field.
  v1::UpdateRecordRequest update;
  update.set_name(name_);
  (*update.mutable_fields())["name"] = "佐藤 次郎";
  (*update.mutable_fields())["email"] = "canary at example";
  *update.mutable_usage() = UsageFor("order");
  Refused(As("shop").Call(update), "INVALID_ARGUMENT VALUE_INVALID", "canary");
}

TEST_F(BadInputTest, TooLarge) {
  CreateRefused({{"note", std::string(10'000'000, 'c')}}, "INVALID_ARGUMENT VALUE_TOO_LARGE",
                "cccccccc");
  CreateRefused({{"name", std::string(100'000, 'c')}}, "INVALID_ARGUMENT VALUE_TOO_LARGE",
                "cccccccc");
  // Larger than a message may be: refused before anything of it is read, so without an entry.
  const Outcome huge = As("shop").Call(CreateRequest({{"note", std::string(17 << 20, 'c')}}));
  EXPECT_EQ(huge.code, grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(huge.text.find("cccc"), std::string::npos);
  v1::BatchCreateRecordsRequest many;
  many.set_parent(kTenant);
  for (int i = 0; i < 1001; ++i) *many.add_records() = CreateRequest({{"name", "x"}}).record();
  *many.mutable_usage() = UsageFor("order");
  Refused(As("shop").Call(many), "INVALID_ARGUMENT BATCH_TOO_LARGE");
}

TEST_F(BadInputTest, InvalidUtf8) {
  const v1::CreateRecordRequest request =
      CreateRequest({{"name", "canary-abcd"}, {"note", "fine"}});
  for (const char* bytes :
       {"\xff\xfe\xfd\xfc", "\xc0\xaf\xc0\xaf", "\xed\xa0\x80x", "\xe3\x81xx"}) {
    const std::string raw = absl::StrReplaceAll(request.SerializeAsString(), {{"abcd", bytes}});
    const Outcome outcome = As("shop").CallRaw(PathOf(request), raw);
    EXPECT_EQ(outcome.code, grpc::StatusCode::INVALID_ARGUMENT) << outcome;
    EXPECT_TRUE(outcome.reason == "VALUE_NOT_UTF8" || outcome.reason == "MALFORMED_REQUEST")
        << outcome;
    EXPECT_TRUE(outcome.metadata.count("index"));
    EXPECT_EQ(outcome.text.find("canary"), std::string::npos);
  }
  Refused(As("shop").CallRaw(PathOf(request), "\x0a\x7f garbage"),
          "INVALID_ARGUMENT MALFORMED_REQUEST", "garbage");
}

TEST_F(BadInputTest, CardNumbers) {
  const std::vector<std::string> cards = {"4111111111111111",
                                          "4111 1111 1111 1111",
                                          "4111-1111-1111-1111",
                                          "４１１１１１１１１１１１１１１１",
                                          "４１１１　１１１１　１１１１　１１１１",
                                          "カードは４１１１－１１１１－１１１１－１１１１です",
                                          "pay 5555 5555 5555 4444 today",
                                          "3782 822463 10005"};
  for (const std::string& card : cards) {
    SCOPED_TRACE(card);
    for (const char* field : {"note", "name", "address"}) {
      CreateRefused({{field, card}}, "INVALID_ARGUMENT PROHIBITED_TYPE", card);
    }
  }
  // A batch refuses the one and stores the others.
  v1::BatchCreateRecordsRequest batch;
  batch.set_parent(kTenant);
  *batch.add_records() = CreateRequest({{"note", cards[0]}}).record();
  *batch.add_records() = CreateRequest({{"note", "090-1234-5678 〒100-0001"}}).record();
  *batch.mutable_usage() = UsageFor("order");
  const auto response = Must<v1::BatchCreateRecordsResponse>("shop", batch);
  ASSERT_EQ(response.results_size(), 2);
  EXPECT_EQ(response.results(0).failure().reason(), "PROHIBITED_TYPE");
  EXPECT_EQ(response.results(0).name(), "");
  EXPECT_FALSE(response.results(1).has_failure()) << response.results(1).failure().reason();
  EXPECT_NE(response.results(1).name(), "");
  ++count_;
  // Numbers that are none.
  for (const char* fine :
       {"090-1234-5678 100-0001", "〒１００－０００１ 電話０３－１２３４－５６７８"}) {
    NewCustomer({{"note", fine}, {"address", fine}});
    ++count_;
  }
}

TEST_F(BadInputTest, StaleEtags) {
  v1::UpdateRecordRequest update;
  update.set_name(name_);
  update.set_etag(record_.record().etag());
  (*update.mutable_fields())["note"] = "first";
  *update.mutable_usage() = UsageFor("order");
  record_.mutable_record()->CopyFrom(Must<v1::UpdateRecordResponse>("shop", update).record());
  (*update.mutable_fields())["note"] = "canary";
  Refused(As("shop").Call(update), "ABORTED ETAG_MISMATCH", "canary");
  v1::DeleteRecordRequest remove;
  remove.set_name(name_);
  remove.set_etag(update.etag());
  Refused(As("shop").Call(remove), "ABORTED ETAG_MISMATCH");
}

TEST_F(BadInputTest, RequestIdsAreForOneContent) {
  v1::CreateRecordRequest request = CreateRequest({{"name", "first"}});
  request.set_request_id("order-17");
  const auto first = Must<v1::CreateRecordResponse>("shop", request);
  ++count_;
  const auto again = Must<v1::CreateRecordResponse>("shop", request);
  EXPECT_EQ(again.record().name(), first.record().name());
  EXPECT_NE(again.receipt().index(), first.receipt().index());
  (*request.mutable_record()->mutable_fields())["name"] = "canary";
  Refused(As("shop").Call(request), "INVALID_ARGUMENT REQUEST_ID_REUSED", "canary");
}

TEST_F(BadInputTest, TakenValues) {
  CreateRefused({{"email", "TARO@Example.JP"}}, "ALREADY_EXISTS ALREADY_EXISTS", "TARO");
  v1::CreateRecordRequest request = CreateRequest({{"name", "x"}});
  request.mutable_record()->set_ref("canary-ref");
  Must<v1::CreateRecordResponse>("shop", request);
  ++count_;
  Refused(As("shop").Call(request), "ALREADY_EXISTS ALREADY_EXISTS", "canary-ref");
}

TEST_F(BadInputTest, SomeoneElsesPageToken) {
  Register("shop-2", v1::PRINCIPAL_KIND_SERVICE, "shop");
  NewCustomer();
  NewCustomer();
  count_ += 2;
  v1::ListRecordsRequest list;
  list.set_parent(kTenant);
  list.set_type("customer");
  list.set_page_size(1);
  const std::string token = Must<v1::ListRecordsResponse>("shop", list).next_page_token();
  ASSERT_NE(token, "");
  list.set_page_token(token);
  EXPECT_TRUE(As("shop").Call(list).ok());
  Refused(As("shop-2").Call(list), "INVALID_ARGUMENT PAGE_TOKEN_INVALID", token);
  std::string damaged = token;
  damaged[damaged.size() / 2] = damaged[damaged.size() / 2] == 'A' ? 'B' : 'A';
  list.set_page_token(damaged);
  Refused(As("shop").Call(list), "INVALID_ARGUMENT PAGE_TOKEN_INVALID", damaged);
  // Of another method.
  v1::ListEntriesRequest entries;
  entries.set_page_token(token);
  Refused(As("auditor").Call(entries), "INVALID_ARGUMENT PAGE_TOKEN_INVALID", token);
}

TEST_F(BadInputTest, CertificatesThatEnded) {
  const absl::Time now = absl::Now();
  AddCredential("late", now - absl::Hours(2), now - absl::Hours(1));
  AddCredential("early", now + absl::Hours(1), now + absl::Hours(2));
  for (const char* who : {"late", "early"}) {
    const Outcome outcome = As(who).Call(RevealRequest(name_));
    EXPECT_EQ(outcome.code, grpc::StatusCode::UNAVAILABLE) << who;
    EXPECT_EQ(outcome.reason, "") << "no handshake, no answer";
  }
}

// With vault time in hand.
class VaultTimeTest : public DevVaultFixture {
 protected:
  void SetUp() override {
    ops::ServerHooks hooks;
    hooks.now = [this] { return absl::Now() + absl::Seconds(ahead_.load()); };
    Start(std::move(hooks));
  }
  void Advance(absl::Duration duration) { ahead_ += absl::ToInt64Seconds(duration); }

  std::atomic<int64_t> ahead_{0};
};

TEST_F(VaultTimeTest, ACertificateEndsOnAnOpenConnectionToo) {
  const std::string name = NewCustomer({{"email", "taro@example.jp"}}).record().name();
  EXPECT_TRUE(As("engineer").Call(RevealRequest(name)).ok());
  Advance(absl::Hours(24 * 31));
  EXPECT_EQ(As("engineer").Call(RevealRequest(name)).ToString(),
            "UNAUTHENTICATED CERTIFICATE_INVALID");
}

TEST_F(VaultTimeTest, AnNdaEndsWithTheNextCall) {
  const std::string name = NewCustomer({{"email", "taro@example.jp"}}).record().name();
  EXPECT_EQ(As("engineer-no-nda").Call(RevealRequest(name)).reason, "NDA_MISSING");
  EXPECT_EQ(As("engineer-expired-nda").Call(RevealRequest(name)).reason, "NDA_EXPIRED");
  EXPECT_EQ(As("engineer-outsourced").Call(RevealRequest(name)).reason, "OUTSOURCING_FORBIDDEN");
  RecordNda("persons/engineer-no-nda", absl::Now() + absl::Hours(24 * 10));
  EXPECT_TRUE(As("engineer-no-nda").Call(RevealRequest(name)).ok());
  Advance(absl::Hours(24 * 11));
  EXPECT_EQ(As("engineer-no-nda").Call(RevealRequest(name)).ToString(),
            "PERMISSION_DENIED NDA_EXPIRED");
  v1::RevokeAttestationRequest revoke;
  revoke.set_name(RecordNda("persons/engineer-no-nda", absl::Now() + absl::Hours(24 * 90))
                      .attestation()
                      .name());
  EXPECT_TRUE(As("engineer-no-nda").Call(RevealRequest(name)).ok());
  Must<v1::RevokeAttestationResponse>("admin-1", revoke);
  EXPECT_EQ(As("engineer-no-nda").Call(RevealRequest(name)).ToString(),
            "PERMISSION_DENIED NDA_REVOKED");
}

}  // namespace
}  // namespace piivault::integration
