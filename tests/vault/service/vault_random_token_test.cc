// Random tokens: one row for all of a handle's, which decides nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/vault/service/vault_damage_fixture.h"
#include "vault/keys/tokens.h"

namespace piivault::vault {
namespace {

using Result = VaultFixture::Result;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::string_view kInvalid = "TOKEN_INVALID";
constexpr std::string_view kLost = "DATA_LOSS";

class VaultRandomTokenTest : public VaultDamageTest {
 protected:
  VaultRandomTokenTest() {
    a_ = vault_.Create({{"name", "A"}, {"email", "a@example.jp"}, {"note", "of a"}}, "ref-a");
    b_ = vault_.Create({{"name", "B"}, {"email", "b@example.jp"}, {"note", "of b"}}, "ref-b");
  }

  // Rows of all handles, of all tenants.
  std::map<std::string, std::string> HandleRows() {
    std::map<std::string, std::string> rows;
    for (const auto& [key, value] : vault_.engine().Dump(storage::Table::kIndex)) {
      if (key.front() == '\1') rows[key] = value;
    }
    return rows;
  }

  RandomTokenName NameOf(const std::string& token) {
    const auto keys = vault_.hierarchy().Current();
    return NameOfRandomToken(*keys->ActiveTenant(Tenant()), *ParseToken(token));
  }
  std::string TokenOf(const RandomTokenName& name) {
    const auto keys = vault_.hierarchy().Current();
    return FormatToken(RandomTokenOf(*keys->ActiveTenant(Tenant()), name));
  }
  storage::Key HandleRowOf(const v1::CreateRecordResponse& record,
                           const std::string& field = "email") {
    return storage::TokenHandleKey(Tenant(), NameOf(record.tokens().at(field)).handle);
  }
  static storage::RecordLocator LocatorOf(const v1::CreateRecordResponse& record) {
    const RecordName name = *ParseRecordName(record.record().name());
    return {name.subject, name.record};
  }

  static v1::DetokenizeRequest RequestFor(const std::vector<std::string>& tokens) {
    v1::DetokenizeRequest request;
    request.set_parent("tenants/default");
    for (const std::string& token : tokens) request.add_tokens(token);
    *request.mutable_usage() = UsageFor("shop");
    return request;
  }

  // What a token gives: its value, or why not.
  std::string Behind(const std::string& token, std::string_view who = "shop") {
    const Result result = vault_.Detokenize(who, {token});
    EXPECT_TRUE(result.ok()) << result.name();
    if (!result.ok()) return "";
    const auto& item = result.As<v1::DetokenizeResponse>().results(0);
    EXPECT_NE(item.has_value(), item.has_failure());
    return item.has_value() ? item.value().value() : item.failure().reason();
  }

  // The answer of a stream for one token: name of the record, or the reason in the entry.
  std::string Streamed(const std::string& token) {
    v1::StreamRevealRecordsRequest stream;
    stream.set_parent("tenants/default");
    stream.add_fields("email");
    *stream.mutable_usage() = UsageFor("shop");
    stream.mutable_tokens()->add_tokens(token);
    const std::vector<Result> messages = vault_.Stream("shop", "StreamRevealRecords", stream);
    EXPECT_THAT(messages, SizeIs(1));
    const auto& response = messages[0].As<v1::StreamRevealRecordsResponse>();
    EXPECT_EQ(response.records_size() + response.omitted(), 1);
    return response.records_size() == 1 ? response.records(0).name()
                                        : messages[0].entry.items(0).reason();
  }

  v1::UpdateRecordResponse Update(const std::string& name,
                                  const std::map<std::string, std::string>& set,
                                  const std::vector<std::string>& clear = {}) {
    v1::UpdateRecordRequest request;
    request.set_name(name);
    for (const auto& [field, value] : set) (*request.mutable_fields())[field] = value;
    for (const std::string& field : clear) request.add_clear_fields(field);
    *request.mutable_usage() = UsageFor("shop");
    const Result updated = vault_.Call("shop", "UpdateRecord", request);
    EXPECT_TRUE(updated.ok()) << updated.name();
    return updated.ok() ? updated.As<v1::UpdateRecordResponse>() : v1::UpdateRecordResponse();
  }

  v1::CreateRecordResponse a_, b_;
};

TEST_F(VaultRandomTokenTest, AllOfARecordHaveOneRow) {
  const std::map<std::string, std::string> expected = {
      {HandleRowOf(a_).bytes, storage::TokenHandleValue(LocatorOf(a_))},
      {HandleRowOf(b_).bytes, storage::TokenHandleValue(LocatorOf(b_))}};
  EXPECT_EQ(HandleRows(), expected);
  EXPECT_EQ(expected.size(), 2u);
  std::vector<uint32_t> numbers;
  for (const auto& [field, token] : a_.tokens()) {
    EXPECT_EQ(HandleRowOf(a_, field), HandleRowOf(a_));
    numbers.push_back(NameOf(token).number);
  }
  std::sort(numbers.begin(), numbers.end());
  EXPECT_THAT(numbers, ElementsAre(0, 1, 2));
  // No token is on disk in the clear.
  for (const std::string& bytes : vault_.AllBytes()) {
    for (const auto& [field, token] : a_.tokens()) {
      EXPECT_EQ(bytes.find(ParseToken(token)->view()), std::string::npos) << field;
    }
  }
}

TEST_F(VaultRandomTokenTest, ManyAtOnceComeBackAndTheRowIsReadOnce) {
  std::vector<std::string> tokens;
  for (const char* field : {"name", "email", "note"}) {
    tokens.push_back(a_.tokens().at(field));
    tokens.push_back(b_.tokens().at(field));
  }
  VaultFixture::Open call(vault_, "shop", "Detokenize", RequestFor(tokens));
  const std::vector<uint64_t> reads = call.Next().reads;
  for (const auto* record : {&a_, &b_}) {
    EXPECT_EQ(std::count(reads.begin(), reads.end(), CellFingerprint(HandleRowOf(*record))), 1);
  }
  const Result result = call.Commit();
  ASSERT_TRUE(result.ok()) << result.name();
  std::vector<std::string> values;
  for (const auto& item : result.As<v1::DetokenizeResponse>().results()) {
    values.push_back(item.value().value());
  }
  EXPECT_THAT(values, ElementsAre("A", "B", "a@example.jp", "b@example.jp", "of a", "of b"));
}

TEST_F(VaultRandomTokenTest, LoseToADeletionOfTheirRecord) {
  VaultFixture::Open call(vault_, "shop", "Detokenize", RequestFor({a_.tokens().at("email")}));
  call.Next();
  ASSERT_TRUE(Erase(a_.record().name()).ok());
  EXPECT_TRUE(call.Commit().conflict);
}

TEST_F(VaultRandomTokenTest, SurviveUpdateRotationAndTheEndOfAnEpoch) {
  const std::string token = a_.tokens().at("email");
  EXPECT_EQ(Update(a_.record().name(), {{"email", "new@example.jp"}}).tokens().at("email"), token);
  EXPECT_EQ(Behind(token), "new@example.jp");
  const auto rows = HandleRows();
  vault_.Rotate();
  EXPECT_EQ(Behind(token), "new@example.jp");
  vault_.ReWrapAll();
  EXPECT_THAT(vault_.damaged, IsEmpty());
  EXPECT_EQ(HandleRows(), rows) << "the row has nothing of an epoch in it";
  ASSERT_TRUE(vault_.rotation().Destroy(1).ok());
  EXPECT_EQ(Behind(token), "new@example.jp");
  EXPECT_EQ(Behind(a_.tokens().at("note")), "of a");
  EXPECT_EQ(Update(a_.record().name(), {{"email", "newer@example.jp"}}).tokens().at("email"),
            token);
  EXPECT_EQ(Behind(token), "newer@example.jp");
  EXPECT_EQ(HandleRows(), rows);
}

TEST_F(VaultRandomTokenTest, OneOfAClearedFieldStaysDead) {
  const std::string& name = a_.record().name();
  const std::string old = a_.tokens().at("note");
  const auto rows = HandleRows();
  Update(name, {}, {"note"});
  EXPECT_EQ(Behind(old), kInvalid);
  EXPECT_EQ(HandleRows(), rows) << "other fields have tokens of that handle";
  const std::string next = Update(name, {{"note", "again"}}).tokens().at("note");
  EXPECT_EQ(HandleRows().size(), rows.size() + 1);
  EXPECT_EQ(Behind(next), "again");
  EXPECT_EQ(Behind(old), kInvalid);
  EXPECT_EQ(Behind(a_.tokens().at("email")), "a@example.jp");
  // Nor when all are cleared, and one comes again.
  Update(name, {}, {"name", "email", "note"});
  EXPECT_THAT(HandleRows(), ElementsAre(testing::Key(HandleRowOf(b_).bytes)));
  const std::string last = Update(name, {{"note", "at last"}}).tokens().at("note");
  EXPECT_EQ(HandleRows().size(), rows.size());
  EXPECT_EQ(Behind(last), "at last");
  for (const std::string& dead : {old, next, a_.tokens().at("name"), a_.tokens().at("email")}) {
    EXPECT_EQ(Behind(dead), kInvalid);
    EXPECT_EQ(Streamed(dead), "NOT_FOUND");
  }
}

TEST_F(VaultRandomTokenTest, EachWriteHasAHandleForThoseThatItGives) {
  const auto rows = HandleRows();
  const std::string name = vault_.Create({{"phone", "03-1234-5678"}}).record().name();
  EXPECT_EQ(HandleRows(), rows) << "a deterministic token has a row of its own";
  const auto two = Update(name, {{"email", "c@example.jp"}, {"name", "C"}}).tokens();
  EXPECT_EQ(NameOf(two.at("email")).handle, NameOf(two.at("name")).handle);
  EXPECT_EQ(NameOf(two.at("email")).number + NameOf(two.at("name")).number, 1u);
  EXPECT_THAT(HandleRows(), SizeIs(3));
  const std::string note = Update(name, {{"note", "of c"}}).tokens().at("note");
  EXPECT_NE(NameOf(note).handle, NameOf(two.at("name")).handle);
  EXPECT_EQ(NameOf(note).number, 0u);
  EXPECT_THAT(HandleRows(), SizeIs(4));
  EXPECT_EQ(Behind(two.at("email")), "c@example.jp");
  EXPECT_EQ(Behind(two.at("name")), "C");
  EXPECT_EQ(Behind(note), "of c");
  // The row of a handle goes with the last field that has a token of it.
  Update(name, {}, {"email"});
  EXPECT_THAT(HandleRows(), SizeIs(4));
  Update(name, {}, {"name"});
  EXPECT_THAT(HandleRows(), SizeIs(3));
  EXPECT_EQ(Behind(note), "of c");
  Update(name, {}, {"note"});
  EXPECT_EQ(HandleRows(), rows);
}

// An older database, or a thief who kept rows of last week: what was given since must not be given
// again to something else.
TEST_F(VaultRandomTokenTest, OneThatARecordPutBackNeverHadIsNotGivenAgain) {
  const std::string name = vault_.Create({{"email", "c@example.jp"}}).record().name();
  const storage::Key row = RowOf(name);
  const storage::Key wrap = WrapOf(name);
  const std::string old_row = *vault_.engine().Get(row);
  const std::string old_wrap = *vault_.engine().Get(wrap);
  const std::string out_there = Update(name, {{"name", "C"}}).tokens().at("name");
  ASSERT_EQ(Behind(out_there), "C");
  vault_.engine().Tamper(WrapOf(name), std::nullopt);
  vault_.engine().Tamper(row, old_row);
  vault_.engine().Tamper(wrap, old_wrap);
  EXPECT_EQ(Behind(out_there), kLost);
  const std::string note = Update(name, {{"note", "another value"}}).tokens().at("note");
  EXPECT_NE(note, out_there);
  EXPECT_EQ(Behind(note), "another value");
  EXPECT_EQ(Behind(out_there), kLost);
}

TEST_F(VaultRandomTokenTest, ARowThatWasTakenAwayIsBackAfterAnUpdate) {
  vault_.engine().Tamper(HandleRowOf(a_), std::nullopt);
  ASSERT_EQ(Behind(a_.tokens().at("email")), kInvalid);
  Update(a_.record().name(), {{"note", "new"}});
  EXPECT_EQ(Behind(a_.tokens().at("email")), "a@example.jp");
  EXPECT_EQ(Behind(a_.tokens().at("note")), "new");
}

TEST_F(VaultRandomTokenTest, LoseToAClearingOfTheirField) {
  VaultFixture::Open call(vault_, "shop", "Detokenize", RequestFor({a_.tokens().at("note")}));
  call.Next();
  Update(a_.record().name(), {}, {"note"});
  EXPECT_TRUE(call.Commit().conflict);
}

TEST_F(VaultRandomTokenTest, AMadeUpOneIsAsGoodAsAnUnknownOne) {
  const std::string known = a_.tokens().at("email");
  Update(a_.record().name(), {}, {"note"});
  std::vector<std::string> bad = {a_.tokens().at("note"),
                                  FormatToken(SystemRandom().Id128()),
                                  FormatToken(IdOf(0)),
                                  FormatToken(IdOf(0xff)),
                                  TokenOf({NameOf(known).handle, 3}),
                                  TokenOf({NameOf(known).handle, UINT32_MAX}),
                                  TokenOf({{}, NameOf(known).number})};
  std::string flipped = known;  // still the text of a token
  flipped[10] = flipped[10] == 'a' ? 'b' : 'a';
  bad.push_back(flipped);
  std::vector<std::string> answers;
  for (const std::string& token : bad) {
    const Result result = vault_.Detokenize("shop", {token});
    ASSERT_TRUE(result.ok()) << result.name();
    v1::DetokenizeResponse response = result.As<v1::DetokenizeResponse>();
    EXPECT_EQ(response.results(0).failure().reason(), kInvalid);
    EXPECT_EQ(Streamed(token), "NOT_FOUND");
    response.mutable_results(0)->clear_token();
    // Nothing tells them apart, in the answer and in the log.
    answers.push_back(response.SerializeAsString() + result.entry.items(0).SerializeAsString() +
                      result.retained.SerializeAsString());
    EXPECT_EQ(answers.back(), answers.front());
  }
  EXPECT_EQ(Behind(known), "a@example.jp");
}

TEST_F(VaultRandomTokenTest, OfAnotherTenantLeadNowhere) {
  const std::string token = a_.tokens().at("email");
  EXPECT_EQ(Behind(token, "other-shop"), kInvalid);
  // The row under the key where the other tenant looks for it, with either record behind it.
  v1::CreateRecordRequest request = VaultFixture::NewCustomer({{"email", "c@example.jp"}});
  request.set_parent("tenants/other");
  const Result made = vault_.Call("other-shop", "CreateRecord", request);
  ASSERT_TRUE(made.ok()) << made.name();
  const v1::CreateRecordResponse stranger = made.As<v1::CreateRecordResponse>();
  const storage::TenantId other = vault_.TenantNumber("other");
  const auto keys = vault_.hierarchy().Current();
  const storage::Key row = storage::TokenHandleKey(
      other, NameOfRandomToken(*keys->ActiveTenant(other), *ParseToken(token)).handle);
  for (const v1::CreateRecordResponse& record : {a_, stranger}) {
    vault_.engine().Tamper(row, storage::TokenHandleValue(LocatorOf(record)));
    EXPECT_EQ(Behind(token, "other-shop"), kLost);
  }
  vault_.engine().Tamper(row, std::nullopt);
  // The row as it is, with the other tenant's number on it.
  vault_.engine().Tamper(storage::TokenHandleKey(other, NameOf(token).handle),
                         *vault_.engine().Get(HandleRowOf(a_)));
  EXPECT_EQ(Behind(token, "other-shop"), kInvalid);
  // And the other tenant's record behind our handle.
  vault_.engine().Tamper(HandleRowOf(a_), storage::TokenHandleValue(LocatorOf(stranger)));
  EXPECT_EQ(Behind(token), kLost);
}

TEST_F(VaultRandomTokenTest, ARowThatWasMovedOrAlteredLeadsToNoOtherValue) {
  const std::string token_a = a_.tokens().at("email");
  const std::string token_b = b_.tokens().at("email");
  const storage::Key row = HandleRowOf(a_);
  const std::string own = *vault_.engine().Get(row);
  const storage::RecordLocator a = LocatorOf(a_);
  const storage::RecordLocator b = LocatorOf(b_);
  std::vector<std::string> altered = {*vault_.engine().Get(HandleRowOf(b_)),  // to another record
                                      storage::TokenHandleValue({a.subject, b.record}),  // to none
                                      storage::TokenHandleValue({b.subject, a.record}),
                                      storage::TokenHandleValue({a.record, a.subject}),
                                      storage::TokenHandleValue({})};
  ForEachDamage(own, [&](const std::string& value) { altered.push_back(value); });
  for (const std::string& value : altered) {
    vault_.engine().Tamper(row, value);
    EXPECT_EQ(Behind(token_a), kLost) << value.size();
    EXPECT_EQ(Streamed(token_a), kLost) << value.size();
    EXPECT_EQ(Behind(token_b), "b@example.jp");
  }
  vault_.engine().Tamper(row, own);
  // A dead number does not make the wrong record right.
  vault_.engine().Tamper(HandleRowOf(b_), own);
  EXPECT_EQ(Behind(TokenOf({NameOf(token_b).handle, 77})), kLost);
  EXPECT_EQ(Behind(token_b), kLost);
  EXPECT_EQ(Behind(token_a), "a@example.jp");
  vault_.engine().Tamper(row, std::nullopt);
  EXPECT_EQ(Behind(token_a), kInvalid) << "without a row there is nothing that leads anywhere";
  EXPECT_EQ(Streamed(token_a), "NOT_FOUND");
}

// A record that has no random token has no handle that a row could fit.
TEST_F(VaultRandomTokenTest, ARowThatLeadsToARecordWithoutTokensIsMoved) {
  const v1::CreateRecordResponse plain = vault_.Create({{"phone", "03-1234-5678"}});
  vault_.engine().Tamper(HandleRowOf(a_), storage::TokenHandleValue(LocatorOf(plain)));
  EXPECT_EQ(Behind(a_.tokens().at("email")), kLost);
}

TEST_F(VaultRandomTokenTest, ARowWhoseRecordIsGoneIsAnErrorUntilThePersonIsErased) {
  const std::string token = a_.tokens().at("email");
  for (const storage::Key& key : {RowOf(a_.record().name()), WrapOf(a_.record().name())}) {
    const std::string value = *vault_.engine().Get(key);
    vault_.engine().Tamper(key, std::nullopt);
    EXPECT_EQ(Behind(token), kLost);
    vault_.engine().Tamper(key, value);
  }
  // The header does not open: nobody knows the handle, whose row stays and leads nowhere.
  Damage(RowOf(a_.record().name()));
  Garble(WrapOf(a_.record().name()));
  EXPECT_EQ(Behind(token), kLost);
  ASSERT_TRUE(Erase(a_.record().name()).ok());
  EXPECT_THAT(HandleRows(), SizeIs(2));
  EXPECT_EQ(Behind(token), kInvalid);
  EXPECT_EQ(Streamed(token), "NOT_FOUND");
}

TEST_F(VaultRandomTokenTest, TheRowGoesWithTheRecord) {
  v1::DeleteRecordRequest remove;
  remove.set_name(a_.record().name());
  *remove.mutable_usage() = UsageFor("shop");
  ASSERT_TRUE(vault_.Call("shop", "DeleteRecord", remove).ok());
  EXPECT_THAT(HandleRows(), ElementsAre(testing::Key(HandleRowOf(b_).bytes)));
  EXPECT_EQ(Behind(a_.tokens().at("email")), kInvalid);
  EXPECT_EQ(Behind(b_.tokens().at("email")), "b@example.jp");
}

TEST_F(VaultRandomTokenTest, TheRowGoesWithThePerson) {
  ASSERT_TRUE(Erase(a_.record().name()).ok());
  EXPECT_THAT(HandleRows(), ElementsAre(testing::Key(HandleRowOf(b_).bytes)));
  EXPECT_EQ(Behind(a_.tokens().at("email")), kInvalid);
  // A person with more records than go at once.
  const v1::CreateRecordResponse large = Large("large@example.jp");
  EXPECT_THAT(HandleRows(), SizeIs(kErasureBatch + 6));
  ASSERT_TRUE(Erase(large.record().name()).ok());
  EXPECT_EQ(Behind(large.tokens().at("email")), kInvalid);
  ErasureWorker worker = vault_.NewErasureWorker();
  while (worker.Step().value()) {
  }
  EXPECT_THAT(HandleRows(), ElementsAre(testing::Key(HandleRowOf(b_).bytes)));
}

// Where the header opens the handle is known, whatever became of the values.
TEST_F(VaultRandomTokenTest, TheRowGoesWithAnErasedPersonWhoseValuesAreDamaged) {
  Damage(RowOf(a_.record().name()));  // the last byte, of the last field
  ASSERT_EQ(Behind(a_.tokens().at("name")), "A");
  ASSERT_TRUE(Erase(a_.record().name()).ok());
  EXPECT_THAT(HandleRows(), ElementsAre(testing::Key(HandleRowOf(b_).bytes)));
}

}  // namespace
}  // namespace piivault::vault
