// Five operators as tenants of one vault, each under the policy of its own text: whose data is
// whose.
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "tests/integration/dev_vault_fixture.h"

namespace piivault::integration {
namespace {

constexpr char kEmail[] = "taro@example.jp";

// One operator with somebody who takes data in and sees it again.
struct Operator {
  const char* tenant;
  const char* policy;
  v1::PrincipalKind kind;
  const char* role;
  const char* attestation;  // what the role asks for; empty: nothing
  const char* type;
  const char* field;
  const char* value;
  const char* channel;
  const char* create_for;
  const char* reveal_for;
  // Finds by the value, where the role may; else empty.
  const char* search_for;
};

constexpr Operator kOperators[] = {
    {"combzmail", "combzmail", v1::PRINCIPAL_KIND_TENANT, "publisher", "", "reader", "email",
     kEmail, "menu", "own_list", "own_list", "own_list"},
    {"priuspro", "priuspro", v1::PRINCIPAL_KIND_STAFF, "sales_office", "nda_contract", "pi",
     "email", kEmail, "", "A", "A", ""},
    {"corezo", "corezo", v1::PRINCIPAL_KIND_SERVICE, "order_service", "", "id", "email", kEmail,
     "provided", "P1.register", "P1.register", "P1.identity"},
    {"sns-helper", "sns-helper", v1::PRINCIPAL_KIND_SERVICE, "shop", "", "member", "email", kEmail,
     "web", "M1", "M3", "M1"},
    {"biglobe", "biglobe", v1::PRINCIPAL_KIND_STAFF, "operator_desk", "nda_contract", "c5",
     "content", "asks for the price", "", "C5.answer", "C5.answer", ""},
};

std::string ReadFile(const std::string& path) {
  std::ifstream in(absl::StrCat(PIIVAULT_SOURCE_DIR, "/", path), std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

std::string TenantOf(const Operator& op) { return absl::StrCat("tenants/", op.tenant); }
std::string CallerOf(const Operator& op) { return absl::StrCat(op.tenant, "-caller"); }

class OperatorsTest : public DevVaultFixture {
 protected:
  void SetUp() override {
    Start();
    for (const Operator& op : kOperators) {
      v1::CreateTenantRequest tenant;
      tenant.mutable_tenant()->set_name(TenantOf(op));
      Must<v1::CreateTenantResponse>("admin-1", tenant);
      v1::CreatePolicyRequest policy;
      policy.set_yaml(ReadFile(absl::StrCat("ops/policies/", op.policy, ".yaml")));
      policy.set_values_yaml(ReadFile(absl::StrCat("ops/policies/", op.policy, ".values.yaml")));
      const auto created = Must<v1::CreatePolicyResponse>("admin-1", policy);
      hashes_.insert(created.policy().name());
      Activate(created.policy().name().substr(sizeof("policies/") - 1), TenantOf(op));
      Register(CallerOf(op), op.kind, op.role, TenantOf(op));
      if (*op.attestation != '\0') {
        RecordNda("persons/" + CallerOf(op), absl::Now() + absl::Hours(24 * 365));
      }
    }
  }

  v1::CreateRecordResponse Create(const Operator& op) {
    v1::CreateRecordRequest request;
    request.set_parent(TenantOf(op));
    request.mutable_record()->set_type(op.type);
    (*request.mutable_record()->mutable_fields())[op.field] = op.value;
    // BIGLOBE asks how old people are.
    request.mutable_record()->set_birth_date("1980-02-29");
    request.mutable_record()->mutable_provenance()->set_channel(op.channel);
    request.mutable_record()->mutable_provenance()->set_front_hop(v1::FRONT_HOP_TLS);
    *request.mutable_usage() = UsageFor(op.create_for);
    return Must<v1::CreateRecordResponse>(CallerOf(op), request);
  }
  // As the caller of `op`, of a record of whomever.
  Outcome Reveal(const Operator& op, const std::string& name, const std::string& purpose,
                 std::string* value = nullptr) {
    v1::RevealRecordRequest request;
    request.set_name(name);
    request.add_fields(op.field);
    *request.mutable_usage() = UsageFor(purpose);
    v1::RevealRecordResponse response;
    const Outcome outcome = As(CallerOf(op)).Call(request, &response);
    if (value != nullptr) *value = response.record().fields().at(op.field).value();
    return outcome;
  }

  std::set<std::string> hashes_;
};

TEST_F(OperatorsTest, EachUnderItsOwnPolicy) {
  EXPECT_EQ(hashes_.size(), std::size(kOperators));
  for (const Operator& op : kOperators) {
    const std::string name = Create(op).record().name();
    std::string value;
    EXPECT_EQ(Reveal(op, name, op.reveal_for, &value).ToString(), "OK") << op.tenant;
    EXPECT_EQ(value, op.value);
    for (const Operator& other : kOperators) {
      if (&other == &op || std::string(other.reveal_for) == op.reveal_for) continue;
      EXPECT_EQ(Reveal(op, name, other.reveal_for).reason, "PURPOSE_UNKNOWN")
          << op.tenant << " for " << other.reveal_for;
    }
  }
}

TEST_F(OperatorsTest, AnothersSubjectIsNothing) {
  std::map<std::string, v1::CreateRecordResponse> records;
  for (const Operator& op : kOperators) records[op.tenant] = Create(op);
  for (const Operator& op : kOperators) {
    for (const Operator& other : kOperators) {
      if (&other == &op) continue;
      const std::string name = records[other.tenant].record().name();
      EXPECT_EQ(Reveal(op, name, op.reveal_for).reason, "TENANT_MISMATCH")
          << op.tenant << " of " << other.tenant;
      // Its ids under the caller's own tenant.
      const std::string moved = absl::StrReplaceAll(name, {{TenantOf(other), TenantOf(op)}});
      EXPECT_EQ(Reveal(op, moved, op.reveal_for).reason, "NOT_FOUND")
          << op.tenant << " of " << other.tenant;
    }
  }
}

TEST_F(OperatorsTest, TheSameAddressIsFoundAtHomeAlone) {
  std::map<std::string, std::string> names;
  for (const Operator& op : kOperators) names[op.tenant] = Create(op).record().name();
  int searched = 0;
  for (const Operator& op : kOperators) {
    if (*op.search_for == '\0') continue;
    v1::LookupRecordRequest request;
    request.set_parent(TenantOf(op));
    request.set_type(op.type);
    request.set_field(op.field);
    request.set_value(kEmail);
    *request.mutable_usage() = UsageFor(op.search_for);
    const auto found = Must<v1::LookupRecordResponse>(CallerOf(op), request);
    EXPECT_EQ(found.record().name(), names[op.tenant]);
    ++searched;
  }
  EXPECT_EQ(searched, 3);
}

TEST_F(OperatorsTest, TokensAreOfOneTenant) {
  const v1::CreateRecordResponse corezo = Create(kOperators[2]);
  const std::string token = corezo.tokens().at("email");
  v1::DetokenizeRequest request;
  request.set_parent(TenantOf(kOperators[2]));
  request.add_tokens(token);
  *request.mutable_usage() = UsageFor("P1.operate");
  const auto own = Must<v1::DetokenizeResponse>(CallerOf(kOperators[2]), request);
  EXPECT_EQ(own.results(0).value().value(), kEmail);
  // The readers' mailer sends by token.
  Register("mailer", v1::PRINCIPAL_KIND_SERVICE, "mailer", "tenants/combzmail");
  request.set_parent("tenants/combzmail");
  *request.mutable_usage() = UsageFor("mail_delivery");
  const auto foreign = Must<v1::DetokenizeResponse>("mailer", request);
  EXPECT_EQ(foreign.results(0).failure().reason(), "TOKEN_INVALID");
}

// Corezo, and who else takes part in one person's requests there.
class CorezoTest : public OperatorsTest {
 protected:
  static constexpr char kCorezo[] = "tenants/corezo";

  void SetUp() override {
    OperatorsTest::SetUp();
    Register("corezo-member", v1::PRINCIPAL_KIND_SERVICE, "member", kCorezo);
    for (const auto& [name, role] : std::map<std::string, std::string>{
             {"corezo-manager", "info_manager"}, {"corezo-operations", "operations"}}) {
      Register(name, v1::PRINCIPAL_KIND_STAFF, role, kCorezo);
      Attest(name, "work_rules", std::string(64, '1'));
      Attest(name, "acknowledgement",
             "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0");
    }
    record_ = Create(kOperators[2]).record().name();
    person_ = record_.substr(0, record_.find("/records/"));
  }
  void Attest(const std::string& who, const std::string& kind, const std::string& document) {
    v1::RecordAttestationRequest request;
    request.set_person("persons/" + who);
    request.mutable_attestation()->set_kind(kind);
    request.mutable_attestation()->set_document_sha256(document);
    request.mutable_attestation()->set_signatory(request.person());
    const absl::Time signed_at = absl::Now() - absl::Hours(24);
    request.mutable_attestation()->mutable_signed_at()->set_seconds(absl::ToUnixSeconds(signed_at));
    request.mutable_attestation()->mutable_valid_until()->set_seconds(
        absl::ToUnixSeconds(signed_at + absl::Hours(24 * 365)));
    Must<v1::RecordAttestationResponse>("admin-1", request);
  }
  v1::Usage AsThePerson(const std::string& purpose) const {
    v1::Usage usage = UsageFor(purpose);
    usage.set_on_behalf_of(person_);
    return usage;
  }
  void SetTitle(const std::string& title) {
    v1::UpdateRecordRequest request;
    request.set_name(record_);
    (*request.mutable_fields())["title"] = title;
    *request.mutable_usage() = AsThePerson("P1.operate");
    Must<v1::UpdateRecordResponse>("corezo-member", request);
  }
  // What the person is shown: the title that is, and those that were.
  Outcome Disclose(std::vector<std::string>* titles) {
    v1::RevealRecordRequest now;
    now.set_name(record_);
    now.add_fields("title");
    *now.mutable_usage() = AsThePerson("R0");
    v1::RevealRecordResponse present;
    const Outcome outcome = As("corezo-member").Call(now, &present);
    v1::RevealRecordHistoryRequest before;
    before.set_name(record_);
    before.add_fields("title");
    *before.mutable_usage() = AsThePerson("R0");
    v1::RevealRecordHistoryResponse past;
    const Outcome history = As("corezo-member").Call(before, &past);
    EXPECT_EQ(history.ToString(), outcome.ToString());
    for (const v1::EarlierValue& value : past.values()) titles->push_back(value.value().value());
    if (outcome.ok()) titles->push_back(present.record().fields().at("title").value());
    return outcome;
  }

  std::string record_;
  std::string person_;
};

// 002-08: given a title that is changed twice, a disclosure has three versions of it, and after an
// erasure there is none.
TEST_F(CorezoTest, WhatItemsHeldBeforeIsDisclosedAndErasedWithThem) {
  for (const char* title : {"主任", "課長", "部長"}) SetTitle(title);
  std::vector<std::string> titles;
  EXPECT_EQ(Disclose(&titles).ToString(), "OK");
  EXPECT_EQ(titles, (std::vector<std::string>{"主任", "課長", "部長"}));

  v1::DeleteSubjectRequest erase;
  erase.set_name(person_);
  *erase.mutable_usage() = UsageFor("R0");
  Must<v1::DeleteSubjectResponse>("corezo-manager", erase);
  titles.clear();
  EXPECT_EQ(Disclose(&titles).reason, "NOT_FOUND");
  EXPECT_TRUE(titles.empty());
}

// 002-22: a group of fewer than ten is not shown, and who has stopped statistics is in none.
TEST_F(CorezoTest, CountsShowNoSmallGroupAndNobodyWhoHasStoppedThem) {
  SetTitle("課長");
  for (int i = 0; i < 9; ++i) {
    v1::CreateRecordRequest request;
    request.set_parent(kCorezo);
    request.mutable_record()->set_type("id");
    (*request.mutable_record()->mutable_fields())["title"] = "課長";
    request.mutable_record()->mutable_provenance()->set_channel("provided");
    request.mutable_record()->mutable_provenance()->set_front_hop(v1::FRONT_HOP_TLS);
    *request.mutable_usage() = UsageFor("P1.register");
    Must<v1::CreateRecordResponse>("corezo-caller", request);
  }
  v1::CountRecordsRequest count;
  count.set_parent(kCorezo);
  count.set_type("id");
  count.add_group_by("title");
  *count.mutable_usage() = UsageFor("P4");
  auto counted = Must<v1::CountRecordsResponse>("corezo-operations", count);
  ASSERT_EQ(counted.groups_size(), 1);
  EXPECT_EQ(counted.groups(0).values(0), "課長");
  EXPECT_EQ(counted.groups(0).persons(), 10);
  EXPECT_EQ(counted.other_persons(), 0);

  v1::StopUseRequest stop;
  stop.set_subject(person_);
  stop.mutable_stop()->set_fields("id.title");
  stop.mutable_stop()->set_purpose("P4");
  *stop.mutable_usage() = AsThePerson("R0");
  Must<v1::StopUseResponse>("corezo-member", stop);
  counted = Must<v1::CountRecordsResponse>("corezo-operations", count);
  EXPECT_EQ(counted.groups_size(), 0);
  EXPECT_EQ(counted.other_persons(), 0);
}

}  // namespace
}  // namespace piivault::integration
