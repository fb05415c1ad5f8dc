// OpenMatter, UpdateMatter, ListMatters: of a person, of the tenant, of a controller.
#include <string>
#include <vector>

#include "tests/vault/service/matter_testing.h"

namespace piivault::vault {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr std::string_view kTenant = "tenants/default";

class SubjectMatterTest : public MatterTestBase {
 protected:
  static v1::OpenMatterRequest OpenRequest(std::string_view parent, const std::string& kind,
                                           const std::string& id) {
    v1::OpenMatterRequest request;
    request.set_parent(std::string(parent));
    request.mutable_matter()->set_kind(kind);
    request.mutable_matter()->set_id(id);
    if (kind == "instruction") request.mutable_matter()->set_party("partner-a");
    return request;
  }
  VaultFixture::Result Open(const v1::OpenMatterRequest& request,
                            std::string_view caller = "shop") {
    return vault_.Call(caller, "OpenMatter", request);
  }
  std::string Open(std::string_view parent, const std::string& kind, const std::string& id,
                   std::string_view caller = "shop") {
    return std::string(Open(OpenRequest(parent, kind, id), caller).name());
  }
  VaultFixture::Result Update(std::string_view parent, const std::string& kind,
                              const std::string& id, const std::string& state,
                              std::string_view caller = "shop") {
    v1::UpdateMatterRequest request;
    request.set_parent(std::string(parent));
    request.set_kind(kind);
    request.set_id(id);
    request.set_state(state);
    return vault_.Call(caller, "UpdateMatter", request);
  }
  VaultFixture::Result List(std::string_view parent, std::string_view caller = "shop") {
    v1::ListMattersRequest request;
    request.set_parent(std::string(parent));
    return vault_.Call(caller, "ListMatters", request);
  }
  // `kind/id state` of each, in the order of the answer.
  std::vector<std::string> Listed(std::string_view parent) {
    const VaultFixture::Result result = List(parent);
    EXPECT_EQ(result.name(), "OK");
    std::vector<std::string> texts;
    if (!result.ok()) return texts;
    for (const v1::Matter& matter : result.As<v1::ListMattersResponse>().matters()) {
      texts.push_back(matter.kind() + "/" + matter.id() + " " + matter.state());
    }
    return texts;
  }
  // Puts as many of the tenant's as that, ids `M-0` and so on, in one commit; opened a second
  // apart.
  void Fill(int count, const std::string& state) {
    vault_.Put([&](StateChange& change) {
      for (int i = 0; i < count; ++i) {
        storage::v1::MatterRow row;
        row.set_kind("migration");
        row.set_id("M-" + std::to_string(i));
        row.set_state(state);
        row.set_open_micros(1'000'000 + i);
        row.set_update_micros(1'000'000 + i);
        change.PutMatter(vault_.TenantNumber("default"), row);
      }
    });
  }
};

TEST_F(SubjectMatterTest, IsOpenedChangedAndListedWithAPerson) {
  const std::string person = NewPerson();
  v1::OpenMatterRequest request = OpenRequest(person, "order", "O-17");
  request.mutable_matter()->add_purposes("support");
  *request.mutable_matter()->mutable_not_after() = At(vault_.now + absl::Hours(1));
  const uint64_t version = RowOf(person).version();
  const VaultFixture::Result opened = Open(request);
  ASSERT_EQ(opened.name(), "OK");
  const v1::Matter& matter = opened.As<v1::OpenMatterResponse>().matter();
  EXPECT_EQ(matter.state(), "open");
  EXPECT_EQ(matter.open_time().seconds(), absl::ToUnixSeconds(vault_.now));
  EXPECT_EQ(matter.not_after().seconds(), absl::ToUnixSeconds(vault_.now) + 3600);
  EXPECT_THAT(matter.purposes(), ElementsAre("support"));
  EXPECT_EQ(opened.entry.resource(), "order/O-17");
  ASSERT_THAT(opened.entry.items(), SizeIs(1));
  EXPECT_EQ(opened.entry.items(0).subject_ref(), RowOf(person).subject_ref());
  EXPECT_THAT(opened.entry.items(0).grants(), ElementsAre("shop-matters"));
  ASSERT_THAT(opened.retained.items(), SizeIs(1));
  EXPECT_EQ(opened.retained.items(0).subject_ref(), RowOf(person).subject_ref());
  EXPECT_EQ(opened.retained.items(0).version(), version + 1);
  EXPECT_EQ(RowOf(person).version(), version + 1);

  ASSERT_EQ(Open(person, "consultation", "C-1"), "OK");
  vault_.now += absl::Minutes(5);
  const VaultFixture::Result changed = Update(person, "order", "O-17", "cancelled");
  ASSERT_EQ(changed.name(), "OK");
  EXPECT_EQ(changed.As<v1::UpdateMatterResponse>().matter().update_time().seconds(),
            matter.open_time().seconds() + 300);
  EXPECT_EQ(changed.entry.resource(), "order/O-17");
  EXPECT_THAT(Listed(person), ElementsAre("order/O-17 cancelled", "consultation/C-1 open"));
  EXPECT_THAT(Listed(NewPerson()), IsEmpty());
  EXPECT_THAT(Listed(kTenant), IsEmpty());
}

TEST_F(SubjectMatterTest, IsOpenedChangedAndListedWithATenant) {
  ASSERT_EQ(Open(kTenant, "migration", "M-1"), "OK");
  vault_.now += absl::Seconds(1);
  const VaultFixture::Result opened = Open(OpenRequest(kTenant, "instruction", "A:1"));
  ASSERT_EQ(opened.name(), "OK");
  EXPECT_EQ(opened.As<v1::OpenMatterResponse>().matter().party(), "partner-a");
  EXPECT_EQ(opened.entry.resource(), "instruction/A:1");
  EXPECT_THAT(opened.entry.items(), IsEmpty());
  ASSERT_EQ(Update(kTenant, "migration", "M-1", "running").name(), "OK");
  EXPECT_THAT(Listed(kTenant), ElementsAre("migration/M-1 running", "instruction/A:1 open"));
  const auto& rows = vault_.store().snapshot()->matters(vault_.TenantNumber("default"));
  EXPECT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows.Find("migration", "M-1")->version, 2u);
  EXPECT_TRUE(vault_.store().Reload().ok());
  EXPECT_THAT(Listed(kTenant), ElementsAre("migration/M-1 running", "instruction/A:1 open"));
}

TEST_F(SubjectMatterTest, TenantsAndPeopleHaveTheirOwn) {
  const std::string one = NewPerson();
  const std::string two = NewPerson();
  for (const std::string& person : {one, two}) ASSERT_EQ(Open(person, "order", "O-1"), "OK");
  ASSERT_EQ(Open(kTenant, "migration", "M-1"), "OK");
  ASSERT_EQ(Open("tenants/other", "migration", "M-1", "other-shop"), "OK");
  ASSERT_EQ(Update(one, "order", "O-1", "completed").name(), "OK");
  ASSERT_EQ(Update(kTenant, "migration", "M-1", "done").name(), "OK");
  EXPECT_THAT(Listed(two), ElementsAre("order/O-1 open"));
  EXPECT_EQ(List("tenants/other", "other-shop").As<v1::ListMattersResponse>().matters(0).state(),
            "planned");
  EXPECT_EQ(Update("tenants/other", "migration", "M-1", "done").name(), "TENANT_MISMATCH");
}

TEST_F(SubjectMatterTest, AnIdIsTakenOnce) {
  const std::string person = NewPerson();
  for (const auto& [parent, kind] : {std::pair<std::string, std::string>{person, "order"},
                                     {std::string(kTenant), "migration"}}) {
    ASSERT_EQ(Open(parent, kind, "X-1"), "OK");
    EXPECT_EQ(Open(parent, kind, "X-1"), "ALREADY_EXISTS");
  }
  // Of another kind it is another.
  EXPECT_EQ(Open(person, "consultation", "X-1"), "OK");
  EXPECT_EQ(Open(kTenant, "instruction", "X-1"), "OK");
  EXPECT_EQ(Update(person, "order", "X-2", "completed").name(), "NOT_FOUND");
  EXPECT_EQ(Update(kTenant, "migration", "X-2", "done").name(), "NOT_FOUND");
}

TEST_F(SubjectMatterTest, TwoOpenedAtOnceAreOne) {
  VaultFixture::Open first(vault_, "shop", "OpenMatter", OpenRequest(kTenant, "migration", "M-1"));
  VaultFixture::Open second(vault_, "shop", "OpenMatter", OpenRequest(kTenant, "migration", "M-1"));
  first.Next();
  second.Next();
  EXPECT_EQ(first.Commit().name(), "OK");
  EXPECT_TRUE(second.Commit().conflict);
  second.Next();
  EXPECT_EQ(second.Commit().name(), "ALREADY_EXISTS");
}

TEST_F(SubjectMatterTest, KindAndParentHaveToAgree) {
  const std::string person = NewPerson();
  EXPECT_EQ(Open(person, "migration", "X"), "MALFORMED_REQUEST");
  EXPECT_EQ(Open(person, "instruction", "X"), "MALFORMED_REQUEST");
  EXPECT_EQ(Open(kTenant, "order", "X"), "MALFORMED_REQUEST");
  EXPECT_EQ(Update(person, "migration", "X", "done").name(), "MALFORMED_REQUEST");
  EXPECT_EQ(Update(kTenant, "order", "X", "open").name(), "MALFORMED_REQUEST");
  EXPECT_EQ(Open(kTenant, "contest", "X"), "MATTER_UNKNOWN");
  EXPECT_EQ(Update(kTenant, "contest", "X", "open").name(), "MATTER_UNKNOWN");
  EXPECT_EQ(Open("tenants/default/subjects/x", "order", "X"), "MALFORMED_REQUEST");
  EXPECT_EQ(List("subjects/x").name(), "MALFORMED_REQUEST");
}

TEST_F(SubjectMatterTest, WhatIsSaidOfItIsChecked) {
  const auto with = [&](const std::function<void(v1::Matter&)>& change,
                        const std::string& kind = "migration") {
    v1::OpenMatterRequest request = OpenRequest(kTenant, kind, "X-1");
    change(*request.mutable_matter());
    const VaultFixture::Result result = Open(request);
    return std::string(result.name()) + " " +
           (result.denied_fields.empty() ? "" : result.denied_fields.front());
  };
  EXPECT_EQ(with([](auto& m) { m.set_id(""); }), "MALFORMED_REQUEST matter.id");
  EXPECT_EQ(with([](auto& m) { m.set_id("two words"); }), "MALFORMED_REQUEST matter.id");
  EXPECT_EQ(with([](auto& m) { m.set_id(std::string(65, 'x')); }), "MALFORMED_REQUEST matter.id");
  EXPECT_EQ(with([](auto& m) { m.set_id("4111-1111-1111-1111"); }), "PROHIBITED_TYPE matter.id");
  EXPECT_EQ(with([](auto& m) { m.set_state("open"); }), "MALFORMED_REQUEST matter.state");
  EXPECT_EQ(with([](auto& m) { m.set_party("partner-a"); }), "MALFORMED_REQUEST matter.party");
  EXPECT_EQ(with([](auto& m) { m.clear_party(); }, "instruction"),
            "MALFORMED_REQUEST matter.party");
  EXPECT_EQ(with([](auto& m) { m.set_party("two words"); }, "instruction"),
            "MALFORMED_REQUEST matter.party");
  EXPECT_EQ(with([](auto& m) { m.set_party("4111111111111111"); }, "instruction"),
            "PROHIBITED_TYPE matter.party");
  EXPECT_EQ(with([](auto& m) { m.add_purposes("gossip"); }), "PURPOSE_UNKNOWN matter.purposes");
  EXPECT_EQ(with([&](auto& m) { *m.mutable_not_after() = At(vault_.now - absl::Seconds(1)); }),
            "MALFORMED_REQUEST matter.not_after");
  EXPECT_EQ(with([](auto& m) { m.mutable_not_after()->set_nanos(-1); }),
            "MALFORMED_REQUEST matter.not_after");
  EXPECT_THAT(Listed(kTenant), IsEmpty());
  EXPECT_EQ(with([](auto& m) { m.set_state("running"); }), "OK ");
  EXPECT_EQ(Update(kTenant, "migration", "X-1", "").name(), "MALFORMED_REQUEST");
  EXPECT_EQ(Update(kTenant, "migration", "X-1", "open").name(), "MALFORMED_REQUEST");
  EXPECT_THAT(Listed(kTenant), ElementsAre("migration/X-1 running"));
}

TEST_F(SubjectMatterTest, WhatIsNoIdIsNowhereInTheLog) {
  Open(kTenant, "migration", "4111-1111-1111-1111");
  Open(kTenant, "Yamada", "X-1");
  Open(kTenant, "migration", "山田");
  for (const std::string& bytes : vault_.AllBytes()) {
    for (const char* text : {"4111-1111", "Yamada", "山田"}) {
      EXPECT_THAT(bytes, Not(HasSubstr(text)));
    }
  }
}

TEST_F(SubjectMatterTest, IsForThoseWhoMay) {
  const std::string person = NewPerson();
  ASSERT_EQ(Open(person, "order", "O-1"), "OK");
  for (const char* caller : {"helper", "engineer", "owner"}) {
    EXPECT_EQ(Open(person, "order", "O-2", caller), "OPERATION_NOT_GRANTED") << caller;
    EXPECT_EQ(Open(kTenant, "migration", "M-2", caller), "OPERATION_NOT_GRANTED") << caller;
    EXPECT_EQ(Update(person, "order", "O-1", "completed", caller).name(), "OPERATION_NOT_GRANTED");
  }
  // Who may see a person, or manage matters, may list them.
  EXPECT_EQ(List(person, "helper").name(), "OK");
  EXPECT_EQ(List(kTenant, "helper").name(), "OK");
  EXPECT_EQ(List(person, "engineer").name(), "OPERATION_NOT_GRANTED");
  EXPECT_EQ(List(person, "nobody").name(), "ROLE_NOT_GRANTED");
  EXPECT_EQ(List(person, "other-owner").name(), "TENANT_MISMATCH");
  EXPECT_THAT(Listed(person), ElementsAre("order/O-1 open"));
}

TEST_F(SubjectMatterTest, AnErasedPersonHasNone) {
  const std::string person = NewPerson();
  ASSERT_EQ(Open(person, "order", "O-1"), "OK");
  Erase(person);
  EXPECT_EQ(Open(person, "order", "O-2"), "SUBJECT_ERASED");
  EXPECT_EQ(Update(person, "order", "O-1", "completed").name(), "SUBJECT_ERASED");
  EXPECT_EQ(List(person).name(), "SUBJECT_ERASED");
  EXPECT_FALSE(RowOf(person).has_use());
  const std::string nobody = MakeSubjectName("default", SystemRandom().Id128());
  EXPECT_EQ(Open(nobody, "order", "O-2"), "NOT_FOUND");
}

TEST_F(SubjectMatterTest, APersonHasAHundredAndTheOldestThatGoesOnNoMoreMakesRoom) {
  const std::string person = NewPerson();
  for (int i = 0; i < 100; ++i) ASSERT_EQ(Open(person, "order", "O-" + std::to_string(i)), "OK");
  EXPECT_EQ(Open(person, "order", "new"), "BATCH_TOO_LARGE");
  ASSERT_EQ(Update(person, "order", "O-70", "completed").name(), "OK");
  ASSERT_EQ(Update(person, "order", "O-30", "cancelled").name(), "OK");
  ASSERT_EQ(Open(person, "order", "new"), "OK");
  EXPECT_EQ(Update(person, "order", "O-30", "open").name(), "NOT_FOUND");
  EXPECT_EQ(Update(person, "order", "O-70", "open").name(), "OK");
  EXPECT_THAT(Listed(person), SizeIs(100));
  EXPECT_EQ(Listed(person).back(), "order/new open");
}

TEST_F(SubjectMatterTest, ATenantHasTenThousandAndThoseThatAreOverMakeRoom) {
  Fill(10'000, "planned");
  const auto& matters = [&]() -> const MatterMap& {
    return vault_.store().snapshot()->matters(vault_.TenantNumber("default"));
  };
  EXPECT_EQ(Open(kTenant, "migration", "new"), "BATCH_TOO_LARGE");
  // Which one is over for the longest time counts, not which was opened first.
  ASSERT_EQ(Update(kTenant, "migration", "M-900", "done").name(), "OK");
  vault_.now += absl::Seconds(1);
  ASSERT_EQ(Update(kTenant, "migration", "M-20", "done").name(), "OK");
  ASSERT_EQ(Update(kTenant, "migration", "M-21", "running").name(), "OK");
  ASSERT_EQ(Open(kTenant, "migration", "new"), "OK");
  EXPECT_EQ(matters().size(), 10'000u);
  EXPECT_EQ(matters().Find("migration", "M-900"), nullptr);
  EXPECT_NE(matters().Find("migration", "M-20"), nullptr);
  ASSERT_EQ(Open(kTenant, "migration", "newer"), "OK");
  EXPECT_EQ(matters().Find("migration", "M-20"), nullptr);
  EXPECT_NE(matters().Find("migration", "M-21"), nullptr);
  EXPECT_EQ(Open(kTenant, "migration", "newest"), "BATCH_TOO_LARGE");
  EXPECT_TRUE(vault_.store().Reload().ok());
  EXPECT_EQ(matters().size(), 10'000u);
  // Other tenants have room of their own.
  EXPECT_EQ(Open("tenants/other", "migration", "new", "other-shop"), "OK");
}

TEST_F(SubjectMatterTest, AThousandAreListedTheNewest) {
  Fill(1'200, "planned");
  const std::vector<std::string> listed = Listed(kTenant);
  ASSERT_THAT(listed, SizeIs(1'000));
  EXPECT_EQ(listed.front(), "migration/M-200 planned");
  EXPECT_EQ(listed.back(), "migration/M-1199 planned");
}

TEST_F(SubjectMatterTest, RotationBringsThemOver) {
  const std::string person = NewPerson();
  ASSERT_EQ(Open(person, "order", "O-1"), "OK");
  ASSERT_EQ(Open(kTenant, "migration", "M-1"), "OK");
  vault_.Rotate();
  vault_.ReWrapAll();
  EXPECT_EQ(vault_.rotation().backlog(), 0u);
  int rows = 0;
  for (const auto& [key, value] : vault_.engine().Dump(storage::Table::kState)) {
    if (!storage::ParseMatterKey(key).has_value()) continue;
    ++rows;
    EXPECT_EQ(SealedRowEpoch(value).value(), 2u);
  }
  EXPECT_EQ(rows, 1);
  ASSERT_TRUE(vault_.store().Reload().ok());
  EXPECT_THAT(Listed(kTenant), ElementsAre("migration/M-1 planned"));
  EXPECT_THAT(Listed(person), ElementsAre("order/O-1 open"));
  EXPECT_EQ(Update(kTenant, "migration", "M-1", "running").name(), "OK");
}

// What a call of a purpose that asks for one is decided by.
class MatterReadTest : public SubjectMatterTest {
 protected:
  v1::RevealRecordRequest RevealRequest(const std::string& id) {
    v1::RevealRecordRequest request;
    request.set_name(record_);
    request.add_fields("name");
    request.mutable_usage()->set_purpose("moving");
    (*request.mutable_usage()->mutable_arguments())["migration"] = id;
    return request;
  }

  const std::string record_ = vault_.Create({{"name", "山田 花子"}}).record().name();
};

TEST_F(MatterReadTest, TheCallNamesOneOfTheTenantThatIsInTheStateAskedFor) {
  const auto reveal = [&](const std::string& id) {
    return vault_.Call("shop", "RevealRecord", RevealRequest(id));
  };
  ASSERT_EQ(Open("tenants/other", "migration", "M-1", "other-shop"), "OK");
  v1::UpdateMatterRequest elsewhere;
  elsewhere.set_parent("tenants/other");
  elsewhere.set_kind("migration");
  elsewhere.set_id("M-1");
  elsewhere.set_state("running");
  ASSERT_EQ(vault_.Call("other-shop", "UpdateMatter", elsewhere).name(), "OK");
  EXPECT_EQ(reveal("M-1").name(), "MATTER_UNKNOWN");
  v1::OpenMatterRequest request = OpenRequest(kTenant, "migration", "M-1");
  *request.mutable_matter()->mutable_not_after() = At(vault_.now + absl::Seconds(60));
  ASSERT_EQ(Open(request).name(), "OK");
  EXPECT_EQ(reveal("M-1").name(), "MATTER_UNKNOWN");
  ASSERT_EQ(Update(kTenant, "migration", "M-1", "running").name(), "OK");
  const VaultFixture::Result granted = reveal("M-1");
  ASSERT_EQ(granted.name(), "OK");
  EXPECT_EQ(granted.entry.arguments().at("migration"), "M-1");
  EXPECT_EQ(reveal("M-2").name(), "MATTER_UNKNOWN");
  v1::RevealRecordRequest unnamed = RevealRequest("M-1");
  unnamed.mutable_usage()->clear_arguments();
  EXPECT_EQ(vault_.Call("shop", "RevealRecord", unnamed).name(), "ARGUMENT_MISSING");
  vault_.now += absl::Seconds(61);
  EXPECT_EQ(reveal("M-1").name(), "MATTER_UNKNOWN");
}

TEST_F(MatterReadTest, IsForThePurposesItWasOpenedFor) {
  v1::OpenMatterRequest request = OpenRequest(kTenant, "migration", "M-1");
  request.mutable_matter()->set_state("running");
  request.mutable_matter()->add_purposes("support");
  ASSERT_EQ(Open(request).name(), "OK");
  EXPECT_EQ(vault_.Call("shop", "RevealRecord", RevealRequest("M-1")).name(), "MATTER_UNKNOWN");
  request.mutable_matter()->set_id("M-2");
  request.mutable_matter()->add_purposes("moving");
  ASSERT_EQ(Open(request).name(), "OK");
  EXPECT_EQ(vault_.Call("shop", "RevealRecord", RevealRequest("M-2")).name(), "OK");
}

TEST_F(MatterReadTest, AChangeOfTheMatterIsAConflictForWhoReliedOnIt) {
  ASSERT_EQ(Open(kTenant, "migration", "M-1"), "OK");
  ASSERT_EQ(Update(kTenant, "migration", "M-1", "running").name(), "OK");
  VaultFixture::Open reveal(vault_, "shop", "RevealRecord", RevealRequest("M-1"));
  EXPECT_EQ(reveal.Next().reason, authz::Reason::kOk);
  ASSERT_EQ(Update(kTenant, "migration", "M-1", "done").name(), "OK");
  EXPECT_TRUE(reveal.Commit().conflict);
}

}  // namespace
}  // namespace piivault::vault
