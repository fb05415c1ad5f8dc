// Bad input: each a reason, nothing half done, nothing repeated.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "tests/vault/service/vault_fixture.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

using Result = VaultFixture::Result;
using testing::ElementsAre;

// Carries the call out and makes sure that it changed nothing but the log.
Result Refused(VaultFixture& vault, std::string_view principal, std::string_view method,
               const google::protobuf::Message& request) {
  const auto rows = [&vault] {
    size_t count = 0;
    for (storage::Table table :
         {storage::Table::kState, storage::Table::kSubject, storage::Table::kRecord,
          storage::Table::kWrap, storage::Table::kIndex}) {
      count += vault.engine().Dump(table).size();
    }
    return count;
  };
  const size_t before = rows();
  const uint64_t entries = vault.engine().LogEnd().index;
  Result result = vault.Call(principal, method, request);
  EXPECT_FALSE(result.ok());
  EXPECT_EQ(rows(), before);
  EXPECT_EQ(vault.engine().LogEnd().index, entries + 1);
  EXPECT_NE(result.entry.decision(), storage::v1::DECISION_GRANTED);
  EXPECT_EQ(result.entry.reason(), result.name());
  return result;
}

TEST(VaultRefusalTest, CreateByReason) {
  VaultFixture vault;
  using Request = v1::CreateRecordRequest;
  struct Case {
    const char* reason;
    std::function<void(Request*)> spoil;
  };
  const auto set = [](const char* field, std::string value) {
    return [=](Request* request) { (*request->mutable_record()->mutable_fields())[field] = value; };
  };
  const std::vector<Case> cases = {
      {"MALFORMED_REQUEST", [](Request* r) { r->set_parent("default"); }},
      {"TENANT_UNKNOWN", [](Request* r) { r->set_parent("tenants/unheard-of"); }},
      {"TYPE_UNKNOWN", [](Request* r) { r->mutable_record()->set_type("client"); }},
      {"FIELD_UNKNOWN", set("shoe_size", "40")},
      {"FIELD_MISSING", [](Request* r) { r->mutable_record()->clear_fields(); }},
      {"PURPOSE_UNKNOWN", [](Request* r) { r->mutable_usage()->set_purpose("marketing"); }},
      {"PURPOSE_NOT_GRANTED", [](Request* r) { r->mutable_usage()->set_purpose("support"); }},
      {"PURPOSE_MISSING", [](Request* r) { r->mutable_usage()->clear_purpose(); }},
      {"TICKET_INVALID", [](Request* r) { r->mutable_usage()->set_ticket("Mr. Tanaka called"); }},
      {"PROHIBITED_TYPE",
       [](Request* r) { r->mutable_usage()->set_ticket("4111-1111-1111-1111"); }},
      {"VALUE_INVALID", set("phone", "call me")},
      {"VALUE_INVALID", set("birth_date", "yesterday")},
      {"VALUE_TOO_LARGE", set("note", std::string(10 << 20, 'x'))},
      {"VALUE_NOT_UTF8", set("note", std::string("a\0b", 3))},
      {"PROHIBITED_TYPE", set("note", "4111111111111111")},
      {"PROHIBITED_TYPE", set("note", "pay with ４１１１　１１１１　１１１１　１１１１ please")},
      {"PROHIBITED_TYPE", set("name", "4111-1111-1111-1111")},
      {"PROHIBITED_TYPE", [](Request* r) { r->mutable_record()->set_ref("4111 1111 1111 1111"); }},
      {"VALUE_TOO_LARGE", [](Request* r) { r->mutable_record()->set_ref(std::string(129, 'r')); }},
      {"MALFORMED_REQUEST", [](Request* r) { r->mutable_record()->set_ref("a\nb"); }},
      {"MALFORMED_REQUEST", [](Request* r) { r->mutable_record()->set_subject("somebody"); }},
      {"NOT_FOUND",
       [](Request* r) {
         r->mutable_record()->set_subject("tenants/default/subjects/" + IdOf(1).ToText());
       }},
      {"MALFORMED_REQUEST",
       [](Request* r) {
         r->mutable_record()->set_subject("tenants/other/subjects/" + IdOf(1).ToText());
       }},
      {"MALFORMED_REQUEST",
       [](Request* r) { r->mutable_record()->mutable_provenance()->set_channel("a b"); }},
      {"MALFORMED_REQUEST",
       [](Request* r) {
         r->mutable_record()->mutable_provenance()->mutable_collected_at()->set_seconds(
             1'750'000'100);
       }},
      {"MALFORMED_REQUEST", [](Request* r) { r->set_request_id("with space"); }},
      {"MALFORMED_REQUEST", [](Request* r) { r->set_request_id(std::string(65, 'r')); }},
  };
  for (size_t i = 0; i < cases.size(); ++i) {
    Request request = VaultFixture::NewCustomer({{"name", "N"}, {"email", "n@example.jp"}}, "r");
    cases[i].spoil(&request);
    EXPECT_EQ(Refused(vault, "shop", "CreateRecord", request).name(), cases[i].reason)
        << "case " << i;
  }
  // A phone number beside a post code is no card.
  vault.Create({{"email", "n@example.jp"}, {"note", "〒100-0001 03-1234-5678"}});
}

TEST(VaultRefusalTest, ReadsByReason) {
  VaultFixture vault;
  const std::string name = vault.Create({{"email", "n@example.jp"}}).record().name();
  v1::RevealRecordRequest reveal;
  reveal.set_name(name);
  *reveal.mutable_usage() = UsageFor("shop");
  EXPECT_EQ(Refused(vault, "shop", "RevealRecord", reveal).name(), "FIELD_MISSING");
  reveal.add_fields("shoe_size");
  const Result unknown = Refused(vault, "shop", "RevealRecord", reveal);
  EXPECT_EQ(unknown.name(), "FIELD_UNKNOWN");
  EXPECT_TRUE(unknown.denied_fields.empty());
  reveal.set_fields(0, "email");
  reveal.add_fields("email");
  EXPECT_EQ(Refused(vault, "shop", "RevealRecord", reveal).name(), "MALFORMED_REQUEST");
  reveal.mutable_fields()->RemoveLast();
  reveal.mutable_usage()->clear_purpose();
  EXPECT_EQ(Refused(vault, "shop", "RevealRecord", reveal).name(), "PURPOSE_MISSING");
  *reveal.mutable_usage() = UsageFor("engineer");
  reveal.mutable_usage()->clear_ticket();
  EXPECT_EQ(Refused(vault, "engineer", "RevealRecord", reveal).name(), "TICKET_MISSING");
  for (std::string bad : {std::string(), std::string("x"), name + "x", name.substr(1),
                          std::string("tenants/default/records/ref:customer:")}) {
    reveal.set_name(bad);
    EXPECT_EQ(Refused(vault, "shop", "RevealRecord", reveal).name(), "MALFORMED_REQUEST") << bad;
  }
  EXPECT_EQ(vault.Search("shop", "birth_date", "1990-01-01").name(), "FIELD_NOT_SEARCHABLE");
  EXPECT_EQ(vault.Search("shop", "email", "").name(), "MALFORMED_REQUEST");
  EXPECT_EQ(vault.Search("shop", "email", std::string(4096, 'x')).name(), "VALUE_TOO_LARGE");
  EXPECT_EQ(vault.Search("helper", "email", "n@example.jp").name(), "FIELD_NOT_GRANTED");

  v1::BatchRevealRecordsRequest batch;
  batch.set_parent("tenants/default");
  batch.add_fields("email");
  *batch.mutable_usage() = UsageFor("shop");
  EXPECT_EQ(Refused(vault, "shop", "BatchRevealRecords", batch).name(), "MALFORMED_REQUEST");
  for (int i = 0; i < 1001; ++i) batch.add_names(name);
  EXPECT_EQ(Refused(vault, "shop", "BatchRevealRecords", batch).name(), "BATCH_TOO_LARGE");
}

TEST(VaultRefusalTest, TheTenantsChoiceOfPlainIntakeBinds) {
  constexpr std::string_view kStrict = R"(policy: strict
timezone: Asia/Tokyo
types: {customer: {fields: {email: {type: email_address, index: true}, phone: phone_number}}}
purposes: {order: {label: {en: Orders}}}
roles: {shop: {kind: service}}
channels: [form, import]
grants:
  - {id: w, role: shop, may: [create, update, tokenize, reveal], fields: [customer.*], for: [order]}
transport: {vault: tls_required, intake: {allow_plain: per_tenant_choice, record_channel: true}}
)";
  VaultFixture vault;
  vault.SetPolicy("default", kStrict);
  v1::CreateRecordRequest request = VaultFixture::NewCustomer({{"email", "n@example.jp"}}, "1");
  v1::Provenance* provenance = request.mutable_record()->mutable_provenance();
  provenance->set_channel("form");
  EXPECT_EQ(Refused(vault, "shop", "CreateRecord", request).name(), "CHANNEL_NOT_ALLOWED");
  provenance->set_front_hop(v1::FRONT_HOP_PLAIN);
  EXPECT_EQ(Refused(vault, "shop", "CreateRecord", request).name(), "CHANNEL_NOT_ALLOWED");
  provenance->set_front_hop(v1::FRONT_HOP_TLS);
  provenance->clear_channel();
  EXPECT_EQ(Refused(vault, "shop", "CreateRecord", request).name(), "CHANNEL_MISSING");
  provenance->set_channel("form");
  const Result made = vault.Call("shop", "CreateRecord", request);
  ASSERT_TRUE(made.ok()) << made.name();
  // An update that does not say keeps what the record says; one that says plain is refused.
  v1::UpdateRecordRequest update;
  update.set_name(made.As<v1::CreateRecordResponse>().record().name());
  *update.mutable_usage() = UsageFor("shop");
  (*update.mutable_fields())["phone"] = "03-1234-5678";
  EXPECT_EQ(vault.Call("shop", "UpdateRecord", update).name(), "OK");
  update.mutable_provenance()->set_channel("form");
  update.mutable_provenance()->set_front_hop(v1::FRONT_HOP_PLAIN);
  EXPECT_EQ(Refused(vault, "shop", "UpdateRecord", update).name(), "CHANNEL_NOT_ALLOWED");
  v1::TokenizeRequest tokenize;
  tokenize.set_parent("tenants/default");
  tokenize.set_type("customer");
  tokenize.set_field("phone");
  tokenize.add_items()->set_value("03-1234-5678");
  *tokenize.mutable_usage() = UsageFor("shop");
  tokenize.mutable_provenance()->set_channel("form");
  tokenize.mutable_provenance()->set_front_hop(v1::FRONT_HOP_PLAIN);
  EXPECT_EQ(Refused(vault, "shop", "Tokenize", tokenize).name(), "CHANNEL_NOT_ALLOWED");
}

TEST(VaultRequestIdTest, TakesEffectOnce) {
  VaultFixture vault;
  v1::CreateRecordRequest request =
      VaultFixture::NewCustomer({{"email", "n@example.jp"}, {"name", "N"}}, "1");
  request.set_request_id("once-1");
  const Result first = vault.Call("shop", "CreateRecord", request);
  ASSERT_TRUE(first.ok()) << first.name();
  const Result again = vault.Call("shop", "CreateRecord", request);
  ASSERT_TRUE(again.ok()) << again.name();
  EXPECT_EQ(again.As<v1::CreateRecordResponse>().record().name(),
            first.As<v1::CreateRecordResponse>().record().name());
  EXPECT_EQ(again.As<v1::CreateRecordResponse>().tokens().at("email"),
            first.As<v1::CreateRecordResponse>().tokens().at("email"));
  EXPECT_EQ(vault.engine().Dump(storage::Table::kRecord).size(), 1u);
  // Other content under the same id.
  (*request.mutable_record()->mutable_fields())["name"] = "M";
  EXPECT_EQ(vault.Call("shop", "CreateRecord", request).name(), "REQUEST_ID_REUSED");
  // Another principal's id is another id; the decision is made anew on replay.
  (*request.mutable_record()->mutable_fields())["name"] = "N";
  *request.mutable_usage() = UsageFor("owner");
  EXPECT_EQ(vault.Call("owner", "CreateRecord", request).name(), "ALREADY_EXISTS");
  *request.mutable_usage() = UsageFor("nobody");
  EXPECT_EQ(vault.Call("nobody", "CreateRecord", request).name(), "ROLE_NOT_GRANTED");

  v1::DeleteRecordRequest remove;
  remove.set_name(first.As<v1::CreateRecordResponse>().record().name());
  *remove.mutable_usage() = UsageFor("shop");
  remove.set_request_id("once-2");
  EXPECT_EQ(vault.Call("shop", "DeleteRecord", remove).name(), "OK");
  EXPECT_EQ(vault.Call("shop", "DeleteRecord", remove).name(), "OK");
  remove.set_request_id("once-3");
  EXPECT_EQ(vault.Call("shop", "DeleteRecord", remove).name(), "NOT_FOUND");
}

TEST(VaultRequestIdTest, BatchReplayEchoesRefsThatAreNotKept) {
  VaultFixture vault;
  v1::BatchCreateRecordsRequest request;
  request.set_parent("tenants/default");
  *request.mutable_usage() = UsageFor("shop");
  request.set_request_id("batch");
  *request.add_records() = VaultFixture::NewCustomer({{"email", "n@example.jp"}}, "ref-1").record();
  const Result first = vault.Call("shop", "BatchCreateRecords", request);
  const Result again = vault.Call("shop", "BatchCreateRecords", request);
  ASSERT_TRUE(again.ok()) << again.name();
  EXPECT_EQ(again.response->SerializeAsString(), first.response->SerializeAsString());
}

// Two plans of the same moment: the second to commit is planned again and sees the first.
TEST(VaultRaceTest, UniqueValuesAndRefsAreTakenOnce) {
  for (const bool by_ref : {false, true}) {
    VaultFixture vault;
    const auto request = [&](int i) {
      return VaultFixture::NewCustomer(
          {{"email", by_ref ? std::to_string(i) + "@example.jp" : "same@example.jp"}},
          by_ref ? "same" : "");
    };
    VaultFixture::Open first(vault, "shop", "CreateRecord", request(1));
    VaultFixture::Open second(vault, "shop", "CreateRecord", request(2));
    first.Next();
    second.Next();
    EXPECT_TRUE(first.Commit().ok());
    EXPECT_TRUE(second.Commit().conflict);
    second.Next();
    EXPECT_EQ(second.Commit().name(), "ALREADY_EXISTS");
    EXPECT_EQ(vault.engine().Dump(storage::Table::kRecord).size(), 1u);
  }
}

TEST(VaultRaceTest, RevealLosesToAnUpdateADeletionAndAnErasure) {
  for (const char* what : {"UpdateRecord", "DeleteRecord", "DeleteSubject"}) {
    VaultFixture vault;
    const std::string name = vault.Create({{"email", "n@example.jp"}}).record().name();
    v1::RevealRecordRequest reveal;
    reveal.set_name(name);
    reveal.add_fields("email");
    *reveal.mutable_usage() = UsageFor("shop");
    VaultFixture::Open open(vault, "shop", "RevealRecord", reveal);
    open.Next();
    if (std::string_view(what) == "UpdateRecord") {
      v1::UpdateRecordRequest request;
      request.set_name(name);
      (*request.mutable_fields())["email"] = "m@example.jp";
      *request.mutable_usage() = UsageFor("shop");
      ASSERT_TRUE(vault.Call("shop", what, request).ok());
    } else if (std::string_view(what) == "DeleteRecord") {
      v1::DeleteRecordRequest request;
      request.set_name(name);
      *request.mutable_usage() = UsageFor("shop");
      ASSERT_TRUE(vault.Call("shop", what, request).ok());
    } else {
      v1::DeleteSubjectRequest request;
      request.set_name(name.substr(0, name.find("/records")));
      *request.mutable_usage() = UsageFor("shop");
      ASSERT_TRUE(vault.Call("shop", what, request).ok());
    }
    EXPECT_TRUE(open.Commit().conflict) << what;
  }
}

TEST(VaultRaceTest, CreateLosesToTheErasureOfItsPerson) {
  VaultFixture vault;
  const std::string name = vault.Create({{"email", "n@example.jp"}}).record().name();
  const std::string person = name.substr(0, name.find("/records"));
  v1::CreateRecordRequest create = VaultFixture::NewCustomer({{"email", "m@example.jp"}});
  create.mutable_record()->set_subject(person);
  VaultFixture::Open open(vault, "shop", "CreateRecord", create);
  open.Next();
  v1::DeleteSubjectRequest erase;
  erase.set_name(person);
  *erase.mutable_usage() = UsageFor("shop");
  VaultFixture::Open erasure(vault, "shop", "DeleteSubject", erase);
  erasure.Next();
  EXPECT_TRUE(erasure.Commit().ok());
  EXPECT_TRUE(open.Commit().conflict);
  open.Next();
  EXPECT_EQ(open.Commit().name(), "SUBJECT_ERASED");
  // The other way round: the erasure is planned again and takes the new record along.
  const std::string other = vault.Create({{"email", "o@example.jp"}}).record().name();
  erase.set_name(other.substr(0, other.find("/records")));
  VaultFixture::Open late(vault, "shop", "DeleteSubject", erase);
  late.Next();
  vault.Create({{"email", "p@example.jp"}}, "", erase.name());
  EXPECT_TRUE(late.Commit().conflict);
  late.Next();
  const Result erased = late.Commit();
  ASSERT_TRUE(erased.ok()) << erased.name();
  EXPECT_EQ(erased.As<v1::DeleteSubjectResponse>().records(), 2);
  EXPECT_TRUE(vault.engine().Dump(storage::Table::kWrap).empty());
}

TEST(VaultFaultTest, NothingIsRevealedOrWrittenWithoutTheLog) {
  VaultFixture vault;
  const std::string name = vault.Create({{"email", "n@example.jp"}}).record().name();
  vault.engine().FailNext(storage::CommitOutcome::kUnavailable, 2);
  EXPECT_EQ(vault.Reveal("shop", name, {"email"}).name(), "STORAGE_UNAVAILABLE");
  EXPECT_EQ(vault.Call("shop", "CreateRecord", VaultFixture::NewCustomer({{"name", "N"}})).name(),
            "STORAGE_UNAVAILABLE");
  EXPECT_EQ(vault.engine().Dump(storage::Table::kRecord).size(), 1u);
  vault.engine().SetReadError(absl::UnavailableError("reopening"));
  EXPECT_EQ(vault.Reveal("shop", name, {"email"}).name(), "STORAGE_UNAVAILABLE");
  vault.engine().SetReadError(absl::OkStatus());
  EXPECT_TRUE(vault.Reveal("shop", name, {"email"}).ok());
}

// Whatever was submitted shows up in no row, entry or error.
TEST(VaultCanaryTest, SubmittedValuesAreNowhereInTheClear) {
  VaultFixture vault;
  const std::vector<std::string> canaries = {"kanariya",       "canary@example.jp", "080-7777-6666",
                                             "+818077776666",  "canary-note",       "canary-ref",
                                             "canary-purpose", "canary.field"};
  v1::CreateRecordRequest request = VaultFixture::NewCustomer({{"name", "Kanariya"},
                                                               {"email", "Canary@Example.JP"},
                                                               {"phone", "080-7777-6666"},
                                                               {"note", "canary-note"}},
                                                              "canary-ref");
  request.set_request_id("r-1");
  const Result made = vault.Call("shop", "CreateRecord", request);
  ASSERT_TRUE(made.ok()) << made.name();
  const std::string name = made.As<v1::CreateRecordResponse>().record().name();
  vault.Lookup("shop", "email", "canary@example.jp", {"phone"});
  vault.Search("shop", "phone", "080-7777-6666");
  vault.Search("shop", "name", "kanariya");
  vault.Search("helper", "email", "canary@example.jp");
  vault.Reveal("engineer", name, {"email", "note"});
  vault.Reveal("shop", name, {"canary.field"});
  vault.Reveal("shop", "tenants/default/records/ref:customer:canary-ref", {"name"});
  vault.Reveal("shop", "canary-note", {"name"});
  vault.Detokenize("shop", {"canary-note"});
  request.set_request_id("r-2");
  request.mutable_usage()->set_purpose("canary-purpose");
  vault.Call("shop", "CreateRecord", request);
  request.mutable_usage()->set_purpose("order");
  request.mutable_usage()->set_ticket("canary note");
  vault.Call("shop", "CreateRecord", request);
  request.mutable_usage()->clear_ticket();
  vault.Call("shop", "CreateRecord", request);  // ALREADY_EXISTS
  (*request.mutable_record()->mutable_fields())["canary.field"] = "x";
  vault.Call("shop", "CreateRecord", request);
  const auto holds = [&](const std::string& haystack, const std::string& canary) {
    std::string lower = haystack;
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return lower.find(canary) != std::string::npos ||
           lower.find(ToHex(canary)) != std::string::npos;
  };
  for (const std::string& bytes : vault.AllBytes()) {
    for (const std::string& canary : canaries) {
      ASSERT_FALSE(holds(bytes, canary)) << canary;
    }
  }
  // The sweep would notice.
  vault.engine().Tamper({storage::Table::kMeta, "planted"}, "xxCanary-Notexx");
  bool found = false;
  for (const std::string& bytes : vault.AllBytes()) found = found || holds(bytes, "canary-note");
  EXPECT_TRUE(found);
}

}  // namespace
}  // namespace piivault::vault
