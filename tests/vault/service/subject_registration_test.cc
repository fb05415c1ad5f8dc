// People who register themselves, and members of an account whose holder is gone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/vault/service/people_testing.h"

namespace piivault::vault {
namespace {

using Result = VaultFixture::Result;

constexpr char kPolicy[] = R"yaml(
policy: registration
timezone: UTC
types: {customer: {fields: {name: person_name, email: {type: email_address, index: true}, phone: phone_number, note: free_text}}}
purposes: {order: {}}
roles:
  shop: {kind: service}
  person: {kind: subject, scope: own_account}
  helper: {kind: staff, nda: none}
grants:
  - {id: shop, role: shop, may: [create, reveal, delete_subject], fields: [customer.*], for: [order]}
  - {id: person, role: person, may: [create, reveal], fields: [customer.*], for: [order]}
  - {id: helper, role: helper, may: [update_subject], for: [order]}
)yaml";

class SubjectRegistrationTest : public testing::Test {
 protected:
  SubjectRegistrationTest() { vault_.SetPolicy("default", kPolicy); }

  static v1::CreateRecordRequest Registration(const std::string& name,
                                              const std::string& request_id) {
    v1::CreateRecordRequest request = VaultFixture::NewCustomer({{"name", name}});
    *request.mutable_usage() = PeopleVault::Use("order");
    request.set_request_id(request_id);
    return request;
  }
  Result SetHolder(const std::string& person, const std::string& holder) {
    v1::UpdateSubjectRequest request;
    request.set_subject(person);
    request.set_holder(holder);
    *request.mutable_usage() = PeopleVault::Use("order");
    return vault_.Call("helper", "UpdateSubject", request);
  }
  std::string ReadByItself(const std::string& record) {
    return std::string(
        vault_.Read(record, {"name"}, "order", "menu", PeopleVault::PersonOf(record)).name());
  }

  PeopleVault vault_;
};

TEST_F(SubjectRegistrationTest, IsRepeatedSafely) {
  const Result first = vault_.Call("menu", "CreateRecord", Registration("Hanako", "r-1"));
  ASSERT_TRUE(first.ok()) << first.name();
  const std::string record = first.As<v1::CreateRecordResponse>().record().name();
  const Result second = vault_.Call("menu", "CreateRecord", Registration("Hanako", "r-1"));
  ASSERT_TRUE(second.ok()) << second.name();
  EXPECT_EQ(second.As<v1::CreateRecordResponse>().record().name(), record);
  EXPECT_EQ(vault_.Call("menu", "CreateRecord", Registration("Jiro", "r-1")).name(),
            "REQUEST_ID_REUSED");
  // That is no way to another one's record.
  v1::CreateRecordRequest further = Registration("Hanako", "r-2");
  further.mutable_record()->set_subject(PeopleVault::PersonOf(record));
  EXPECT_EQ(vault_.Call("menu", "CreateRecord", further).name(), "NOT_OWN_RECORD");
}

TEST_F(SubjectRegistrationTest, IsNotRepeatedForWhoIsErased) {
  const Result first = vault_.Call("menu", "CreateRecord", Registration("Hanako", "r-1"));
  ASSERT_TRUE(first.ok()) << first.name();
  v1::DeleteSubjectRequest erase;
  erase.set_name(PeopleVault::PersonOf(first.As<v1::CreateRecordResponse>().record().name()));
  *erase.mutable_usage() = PeopleVault::Use("order");
  ASSERT_TRUE(vault_.Call("shop", "DeleteSubject", erase).ok());
  EXPECT_EQ(vault_.Call("menu", "CreateRecord", Registration("Hanako", "r-1")).name(), "NOT_FOUND");
}

// 004-41: whoever is a member acts through the holder; staff gives an own account to one whose
// holder is gone.
TEST_F(SubjectRegistrationTest, AMemberOfAnErasedHolderGetsAnOwnAccountFromStaff) {
  const std::string holder = vault_.Create({{"name", "Taro"}}).record().name();
  const std::string member = vault_.Create({{"name", "Hanako"}}).record().name();
  ASSERT_TRUE(SetHolder(PeopleVault::PersonOf(member), PeopleVault::PersonOf(holder)).ok());
  EXPECT_EQ(ReadByItself(member), "MEMBER_WITHOUT_ID");
  v1::DeleteSubjectRequest erase;
  erase.set_name(PeopleVault::PersonOf(holder));
  *erase.mutable_usage() = PeopleVault::Use("order");
  ASSERT_TRUE(vault_.Call("shop", "DeleteSubject", erase).ok());
  EXPECT_EQ(ReadByItself(member), "MEMBER_WITHOUT_ID") << "nobody's word frees it but staff's";
  ASSERT_TRUE(SetHolder(PeopleVault::PersonOf(member), "").ok());
  EXPECT_EQ(ReadByItself(member), "OK");
}

}  // namespace
}  // namespace piivault::vault
