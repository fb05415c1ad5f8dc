// What is done with a break-glass role: while it lasts, and marked in the log.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/vault/service/vault_fixture.h"
#include "vault/audit/entry_terms.h"
#include "vault/service/entry_view.h"

namespace piivault::vault {
namespace {

using Result = VaultFixture::Result;
using testing::IsEmpty;
using testing::SizeIs;

constexpr char kPolicy[] = R"yaml(
policy: emergencies
timezone: UTC
types:
  customer: {fields: {email: email_address, name: person_name, note: free_text}}
purposes: {order: {}, technical_work: {}}
roles:
  shop: {kind: service}
  engineer: {kind: staff, nda: none, break_glass: 1h}
  helper: {kind: staff, nda: none}
grants:
  - {id: shop, role: shop, may: [create, reveal], fields: [customer.*], for: [order]}
  - {id: rescue, role: engineer, may: [reveal, update, list], fields: [customer.*], for: [technical_work]}
  - {id: helper, role: helper, may: [reveal], fields: [customer.name], for: [technical_work]}
)yaml";

constexpr char kUse[] = "aaaaaaaaaaaaaaaaaaaaaaaaaa";
constexpr char kUseName[] = "breakGlassUses/aaaaaaaaaaaaaaaaaaaaaaaaaa";

class VaultBreakGlassTest : public testing::Test {
 protected:
  void SetUp() override {
    vault_.SetPolicy("default", kPolicy);
    record_ = vault_.Create({{"email", "taro@example.jp"}, {"name", "Taro"}}).record().name();
  }
  // The engineer takes the role until then.
  void Take(absl::Time until) {
    vault_.Put([&](StateChange& change) {
      storage::v1::PrincipalRow row = vault_.store().snapshot()->FindPrincipal("engineer")->row;
      for (auto& binding : *row.mutable_bindings()) {
        if (binding.role() != "engineer") continue;
        binding.set_break_glass(kUse);
        binding.set_active_until_micros(absl::ToUnixMicros(until));
      }
      change.PutPrincipal(row);
    });
  }
  Result Reveal(const std::string& caller, const std::string& field) {
    return vault_.Reveal(caller, record_, {field});
  }

  VaultFixture vault_;
  std::string record_;
};

TEST_F(VaultBreakGlassTest, EntriesNameTheUse) {
  EXPECT_EQ(Reveal("engineer", "email").name(), "ROLE_NOT_GRANTED");
  EXPECT_THAT(Reveal("engineer", "email").entry.break_glass(), IsEmpty());
  Take(vault_.now + absl::Hours(1));
  const Result shown = Reveal("engineer", "email");
  ASSERT_TRUE(shown.ok()) << shown.name();
  EXPECT_EQ(shown.entry.break_glass(), kUseName);
  EXPECT_EQ(shown.entry.role(), "engineer");
  // What it was refused too.
  v1::RevealRecordRequest request;
  request.set_name(record_);
  request.add_fields("email");
  request.mutable_usage()->set_purpose("order");
  const Result refused = vault_.Call("engineer", "RevealRecord", request);
  EXPECT_EQ(refused.name(), "PURPOSE_NOT_GRANTED");
  EXPECT_EQ(refused.entry.break_glass(), kUseName);
  vault_.now += absl::Hours(1);
  EXPECT_EQ(Reveal("engineer", "email").name(), "ROLE_NOT_GRANTED");
  EXPECT_THAT(Reveal("engineer", "email").entry.break_glass(), IsEmpty());
}

TEST_F(VaultBreakGlassTest, EntriesOfOthersDoNot) {
  Take(vault_.now + absl::Hours(1));
  EXPECT_THAT(Reveal("helper", "name").entry.break_glass(), IsEmpty());
  EXPECT_THAT(Reveal("shop", "name").entry.break_glass(), IsEmpty());
}

TEST_F(VaultBreakGlassTest, AStreamEndsWithIt) {
  const std::string second = vault_.Create({{"email", "jiro@example.jp"}}).record().name();
  Take(vault_.now + absl::Seconds(1));
  v1::StreamRevealRecordsRequest stream;
  stream.set_parent("tenants/default");
  stream.add_fields("email");
  stream.mutable_usage()->set_purpose("technical_work");
  for (int i = 0; i < 1001; ++i) {
    stream.mutable_names()->add_names(i == 1000 ? second : record_);
  }
  VaultFixture::Open call(vault_, "engineer", "StreamRevealRecords", stream);
  call.Next();
  const Result first = call.Commit();
  ASSERT_TRUE(first.ok()) << first.name();
  EXPECT_THAT(first.As<v1::StreamRevealRecordsResponse>().records(), SizeIs(1000));
  ASSERT_TRUE(call.HasMore());
  vault_.now += absl::Seconds(1);
  EXPECT_EQ(call.Next().reason, authz::Reason::kRoleNotGranted);
  EXPECT_EQ(call.Commit().name(), "ROLE_NOT_GRANTED");
}

TEST_F(VaultBreakGlassTest, NoGrantStandsBehindItsEnd) {
  Take(vault_.now + absl::Hours(1));
  v1::RevealRecordRequest request;
  request.set_name(record_);
  request.add_fields("email");
  request.mutable_usage()->set_purpose("technical_work");
  VaultFixture::Open call(vault_, "engineer", "RevealRecord", request);
  ASSERT_EQ(call.Next().reason, authz::Reason::kOk);
  Take(vault_.now);  // taken away between decision and commit
  EXPECT_EQ(call.Commit().name(), "CONFLICT");
  EXPECT_EQ(call.Next().reason, authz::Reason::kRoleNotGranted);
}

TEST_F(VaultBreakGlassTest, TheLogIsSearchedByIt) {
  Take(vault_.now + absl::Hours(1));
  const Result shown = Reveal("engineer", "email");
  v1::EntryFilter filter;
  filter.set_break_glass(kUseName);
  const auto query = ResolveFilter(filter, vault_.engine(), *vault_.store().snapshot());
  ASSERT_TRUE(query.ok());
  EXPECT_EQ(query->Term(), BreakGlassTerm(kUseName));
  EXPECT_TRUE(query->Matches(shown.entry));
  EXPECT_FALSE(query->Matches(Reveal("helper", "name").entry));
  storage::StoredEntry stored;
  stored.entry.body = shown.entry.SerializeAsString();
  std::vector<std::string> terms;
  TermsOf(stored, [&](std::string_view term) { terms.emplace_back(term); });
  EXPECT_THAT(terms, testing::Contains(BreakGlassTerm(kUseName)));
  v1::Entry wire;
  FillEntry({}, shown.entry, &wire);
  EXPECT_EQ(wire.break_glass(), kUseName);
  filter.set_break_glass("breakGlassUses/x");
  EXPECT_FALSE(ResolveFilter(filter, vault_.engine(), *vault_.store().snapshot()).ok());
}

}  // namespace
}  // namespace piivault::vault
