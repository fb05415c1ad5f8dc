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

}  // namespace
}  // namespace piivault::integration
