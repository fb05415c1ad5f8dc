// What those try who have no business with a credential: to guess it, read it, use it twice, or get
// more guesses than there are.
#include <gmock/gmock.h>

#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#include "piivault/storage/v1/credential.pb.h"
#include "tests/vault/service/credential_testing.h"
#include "vault/records/credential.h"
#include "vault/records/credential_failures.h"
#include "vault/records/record_loader.h"
#include "vault/service/errors.h"
#include "vault/service/resource_name.h"
#include "vault/state/idempotency.h"
#include "vault/state/state_store.h"

namespace piivault::vault {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

class CredentialAttackTest : public CredentialTest {
 protected:
  using Open = VaultFixture::Open;

  std::unique_ptr<LoadedRecord> Load() {
    state_ = vault_.store().snapshot();
    const auto tenant = state_->FindTenant("default");
    scope_.emplace(*TenantScope::Create(*state_, *tenant));
    const std::optional<RecordName> name = ParseRecordName(name_);
    ChangeSet changes;
    absl::StatusOr<LoadResult> loaded =
        LoadRecord(vault_.engine(), *scope_, {name->subject, name->record}, &changes);
    EXPECT_TRUE(loaded.ok() && loaded->ok());
    return std::move(loaded->record);
  }
  int Failures() { return FailureRows() == 0 ? 0 : failures_; }
  int FailureRows() {
    const std::unique_ptr<LoadedRecord> record = Load();
    const auto& rows = record->subject.row.use().credential_failures();
    failures_ = 0;
    for (const auto& row : rows) failures_ += static_cast<int>(row.failures());
    return rows.size();
  }
  // Until one does not conflict any more.
  std::string Commit(Open& call) {
    for (int attempt = 0; attempt < 2 * kMaxAttempts; ++attempt) {
      const Result result = call.Commit();
      if (!result.conflict) return Outcome(result);
      call.Next();
    }
    return "conflict";
  }

  std::shared_ptr<const StateSnapshot> state_;
  std::optional<TenantScope> scope_;
  int failures_ = 0;
};

// 001-51: after so many failures one after another nothing is tried for a while.
TEST_F(CredentialAttackTest, ThereIsAnEndToGuesses) {
  ASSERT_TRUE(Set(kPassword).ok());
  EXPECT_EQ(Try("guess-00001"), "failed");
  EXPECT_EQ(Try("guess-00002"), "failed");
  const Result last = Verify("guess-00003");
  EXPECT_EQ(Outcome(last), "failed");
  const int64_t retry = absl::ToUnixSeconds(vault_.now + absl::Minutes(10));
  EXPECT_EQ(last.As<v1::VerifyCredentialResponse>().retry_time().seconds(), retry);
  const int works = vault_.works;
  vault_.now += absl::Minutes(5);
  for (int i = 0; i < 5; ++i) {
    const Result locked = Verify(i == 0 ? kPassword : "guess-00004");
    EXPECT_EQ(Outcome(locked), "locked");
    // No trial makes it longer.
    EXPECT_EQ(locked.As<v1::VerifyCredentialResponse>().retry_time().seconds(), retry);
    EXPECT_EQ(locked.retained.items_size(), 0);
  }
  EXPECT_EQ(vault_.works, works) << "hashed while locked";
  EXPECT_EQ(Failures(), 3);
  vault_.now += absl::Minutes(5);
  // One guess, and it is locked again.
  EXPECT_EQ(Try("guess-00005"), "failed");
  EXPECT_EQ(Try(kPassword), "locked");
  vault_.now += absl::Minutes(10);
  EXPECT_EQ(Try(kPassword), "verified");
  EXPECT_EQ(Failures(), 0);
}

TEST_F(CredentialAttackTest, ARightOneBetweenBeginsAnew) {
  ASSERT_TRUE(Set(kPassword).ok());
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(Try("guess-00001"), "failed");
    EXPECT_EQ(Try("guess-00002"), "failed");
    EXPECT_EQ(Try(kPassword), "verified");
  }
  EXPECT_EQ(Try("guess-00001"), "failed");
  ASSERT_TRUE(Set(kPassword).ok());
  EXPECT_EQ(FailureRows(), 0);
  EXPECT_EQ(Try("guess-00001"), "failed");
  ASSERT_TRUE(Revoke().ok());
  EXPECT_EQ(Failures(), 1) << "a revocation is no way to new guesses";
}

TEST_F(CredentialAttackTest, FieldsAndRecordsCountByThemselves) {
  ASSERT_TRUE(Set(kPassword).ok());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Try("guess-00001"), "failed");
  EXPECT_EQ(Try(kPassword), "locked");
  ASSERT_TRUE(Set("cookie-value", "cookie").ok());
  EXPECT_EQ(Try("cookie-value", "cookie"), "verified");
  const std::string first = name_;
  name_ = vault_.Create({{"name", "Ito"}}, "18", first.substr(0, first.find("/records/")))
              .record()
              .name();
  ASSERT_TRUE(Set(kPassword).ok());
  EXPECT_EQ(Try(kPassword), "verified");
  name_ = first;
  EXPECT_EQ(Try(kPassword), "locked");
}

// All are hashed before any is committed: each counts, and no more are answered than there are.
TEST_F(CredentialAttackTest, GuessesAtTheSameTimeAllCount) {
  ASSERT_TRUE(Set(kPassword).ok());
  std::vector<std::unique_ptr<Open>> calls;
  for (int i = 0; i < 100; ++i) {
    calls.push_back(
        std::make_unique<Open>(vault_, "shop", "VerifyCredential", VerifyRequest("guess-00001")));
    calls.back()->Next();
  }
  EXPECT_EQ(vault_.works, 101);
  int failed = 0;
  int locked = 0;
  for (const std::unique_ptr<Open>& call : calls) {
    const std::string outcome = Commit(*call);
    failed += outcome == "failed" ? 1 : 0;
    locked += outcome == "locked" ? 1 : 0;
  }
  EXPECT_EQ(failed, 3);
  EXPECT_EQ(locked, 97);
  EXPECT_EQ(Failures(), 3);
  EXPECT_EQ(vault_.works, 101) << "a conflict is no reason to hash again";
}

TEST_F(CredentialAttackTest, OneOfManyUsesOfAOneTimeCredentialWins) {
  ASSERT_TRUE(Set("1234", "pin").ok());
  std::vector<std::unique_ptr<Open>> calls;
  for (int i = 0; i < 8; ++i) {
    calls.push_back(
        std::make_unique<Open>(vault_, "shop", "VerifyCredential", VerifyRequest("1234", "pin")));
    calls.back()->Next();
  }
  int verified = 0;
  for (const std::unique_ptr<Open>& call : calls) verified += Commit(*call) == "verified" ? 1 : 0;
  EXPECT_EQ(verified, 1);
}

// A trial that was hashed against what is no longer there is not answered by it.
TEST_F(CredentialAttackTest, AReplacedCredentialIsNotVerified) {
  ASSERT_TRUE(Set(kPassword).ok());
  Open call(vault_, "shop", "VerifyCredential", VerifyRequest(kPassword));
  call.Next();
  ASSERT_TRUE(Set("another-Passw0rd").ok());
  EXPECT_EQ(Commit(call), "failed");
  Open revoked(vault_, "shop", "VerifyCredential", VerifyRequest("another-Passw0rd"));
  revoked.Next();
  ASSERT_TRUE(Revoke().ok());
  EXPECT_EQ(Commit(revoked), "failed");
}

// The hash at hand is of the old salt: it says nothing of the new one, so it takes another.
TEST_F(CredentialAttackTest, ACredentialSetAnewIsHashedAnew) {
  ASSERT_TRUE(Set(kPassword).ok());
  Open call(vault_, "shop", "VerifyCredential", VerifyRequest(kPassword));
  call.Next();
  ASSERT_TRUE(Set(kPassword).ok());
  const int works = vault_.works;
  EXPECT_EQ(Commit(call), "verified");
  EXPECT_EQ(vault_.works, works + 1);
}

// Who may set a credential but not try it has no use of repeating a request: right and wrong
// guesses are answered alike.
TEST_F(CredentialAttackTest, ARepeatedRequestTellsNothingOfTheValue) {
  v1::SetCredentialRequest request = SetRequest(kPassword);
  request.set_request_id("r-1");
  ASSERT_TRUE(vault_.Call("shop", "SetCredential", request).ok());
  const auto looks = [&](std::string_view value) {
    request.set_value(std::string(value));
    const int works = vault_.works;
    const Result result = vault_.Call("shop", "SetCredential", request);
    EXPECT_EQ(vault_.works, works) << "takes as long as no other";
    return std::string(result.name()) +
           (result.ok() ? result.response->SerializeAsString() : std::string()) +
           result.entry.reason() + result.entry.outcome() + result.retained.SerializeAsString();
  };
  const std::string right = looks(kPassword);
  EXPECT_EQ(looks("canary-Passw0rE"), right);
  EXPECT_EQ(Try(kPassword), "verified");
  EXPECT_EQ(Try("canary-Passw0rE"), "failed");
}

// What is remembered of a request is no digest of the value, quick or slow.
TEST_F(CredentialAttackTest, ARequestIdRemembersNothingOfTheValue) {
  v1::SetCredentialRequest request = SetRequest(kPassword);
  request.set_request_id("r-1");
  ASSERT_TRUE(vault_.Call("shop", "SetCredential", request).ok());
  request.clear_value();
  state_ = vault_.store().snapshot();
  const auto found = RequestRecord::Find(vault_.engine(), state_->keys(), "shop",
                                         "piivault.v1.CredentialService/SetCredential", "r-1",
                                         request, vault_.now);
  ASSERT_TRUE(found.ok()) << "the digest is over the value: " << found.status();
  EXPECT_TRUE(found->response.has_value());
}

// Nor does a batch remember it, of which one item is refused for it and others are not.
TEST_F(CredentialAttackTest, ABatchThatNamesACredentialIsRefusedWhole) {
  v1::BatchCreateRecordsRequest batch;
  batch.set_parent("tenants/default");
  *batch.add_records() = VaultFixture::NewCustomer({{"name", "Ito"}}, "18").record();
  *batch.add_records() =
      VaultFixture::NewCustomer({{"name", "Kato"}, {"password", std::string(kPassword)}}, "19")
          .record();
  *batch.mutable_usage() = UsageFor("shop");
  batch.set_request_id("r-1");
  const Result refused = vault_.Call("shop", "BatchCreateRecords", batch);
  EXPECT_EQ(refused.reason, authz::Reason::kFieldOneWay);
  EXPECT_THAT(refused.denied_fields, ElementsAre("customer.password"));
  // An item that may not have the field at all is no way round.
  (*batch.mutable_records(1)->mutable_fields())["no_such_field"] = "x";
  EXPECT_EQ(vault_.Call("shop", "BatchCreateRecords", batch).reason, authz::Reason::kFieldOneWay);
  batch.mutable_records()->RemoveLast();
  EXPECT_TRUE(vault_.Call("shop", "BatchCreateRecords", batch).ok()) << "the id was used up";
}

// Who has the disk and the data keys has a hash that takes scrypt to test a guess against, and no
// other digest of the value.
TEST_F(CredentialAttackTest, BehindTheKeysThereIsAHashAndNothingElse) {
  v1::SetCredentialRequest request = SetRequest(kPassword);
  request.set_request_id("r-1");
  ASSERT_TRUE(vault_.Call("shop", "SetCredential", request).ok());
  const std::unique_ptr<LoadedRecord> record = Load();
  const std::optional<RecordField> field = record->reader->Field("password");
  ASSERT_TRUE(field.has_value());
  EXPECT_TRUE(field->one_way);
  EXPECT_EQ(field->key_class, KeyClass::kImportant);
  EXPECT_THAT(field->token, IsEmpty());
  const absl::StatusOr<SecretBytes> bytes = record->reader->DecryptField(*field);
  ASSERT_TRUE(bytes.ok());
  EXPECT_EQ(bytes->view().find(kPassword), std::string_view::npos);
  storage::v1::StoredCredential row;
  ASSERT_TRUE(row.ParseFromArray(bytes->data(), static_cast<int>(bytes->size())));
  EXPECT_EQ(row.algorithm(), storage::v1::CREDENTIAL_ALGORITHM_SCRYPT);
  EXPECT_EQ(row.salt().size(), 16u);
  EXPECT_EQ(row.hash(), Scrypt(kPassword, row.salt(), {row.n(), row.r(), row.p()}, 32)->view());
  // The salts are random: equal values are not seen to be equal.
  ASSERT_TRUE(Set(kPassword).ok());
  const absl::StatusOr<std::optional<Credential>> next = ReadCredential("password", Load().get());
  ASSERT_TRUE(next.ok() && next->has_value());
  EXPECT_NE((*next)->salt, row.salt());
}

TEST(CredentialCostTest, IsWhatItTakesToday) {
  EXPECT_EQ(kCredentialCost.n, uint64_t{1} << 15);
  EXPECT_EQ(kCredentialCost.r, 8u);
  EXPECT_EQ(kCredentialCost.p, 1u);
}

// 001-06: nobody is shown it, by whichever way, nor what is left of it.
TEST_F(CredentialAttackTest, NobodyIsShownWhatIsLeftOfIt) {
  ASSERT_TRUE(Set(kPassword).ok());
  for (const char* who : {"shop", "owner"}) {
    EXPECT_EQ(vault_.Reveal(who, name_, {"password"}).reason, authz::Reason::kReadNever) << who;
    const Result partial = vault_.Reveal(who, name_, {"name", "password"}, true);
    ASSERT_TRUE(partial.ok()) << partial.name();
    const auto& record = partial.As<v1::RevealRecordResponse>().record();
    EXPECT_EQ(record.fields().count("password"), 0u);
  }
  // Nor administrators, auditors and staff.
  for (const char* who : {"admin-a", "engineer", "helper", "nobody"}) {
    EXPECT_FALSE(vault_.Reveal(who, name_, {"password"}).ok()) << who;
  }
  v1::LookupRecordRequest lookup;
  lookup.set_parent("tenants/default");
  lookup.set_type("customer");
  lookup.set_field("password");
  lookup.set_value(std::string(kPassword));
  lookup.add_fields("name");
  *lookup.mutable_usage() = UsageFor("shop");
  EXPECT_FALSE(vault_.Call("shop", "LookupRecord", lookup).ok());
  v1::DownloadRecordsRequest download;
  download.set_parent("tenants/default");
  download.set_type("customer");
  *download.mutable_usage() = UsageFor("owner");
  int shown = 0;
  for (const Result& page : vault_.Stream("owner", "DownloadRecords", download)) {
    ASSERT_TRUE(page.ok()) << page.name();
    for (const auto& record : page.As<v1::DownloadRecordsResponse>().records()) {
      EXPECT_EQ(record.fields().count("name"), 1u);
      EXPECT_EQ(record.fields().count("password"), 0u);
      ++shown;
    }
  }
  EXPECT_EQ(shown, 1);
}

// Also under a policy that takes it for a plain value again: the record says what it is.
TEST_F(CredentialAttackTest, NoLaterPolicyShowsIt) {
  ASSERT_TRUE(Set("cookie-value", "cookie").ok());
  std::string later(kCredentialPolicy);
  const size_t place = later.find("cookie: {type: login_cookie, store: one_way}");
  later.replace(place, 44, "cookie: {type: free_text, index: false}     ");
  vault_.SetPolicy("default", later);
  const Result shown = vault_.Reveal("shop", name_, {"name", "cookie"});
  ASSERT_TRUE(shown.ok()) << shown.name();
  EXPECT_EQ(shown.As<v1::RevealRecordResponse>().record().fields().count("cookie"), 0u);
  EXPECT_EQ(shown.As<v1::RevealRecordResponse>().record().fields().count("name"), 1u);
}

TEST_F(CredentialAttackTest, ErasureTakesTheCountAlong) {
  ASSERT_TRUE(Set(kPassword).ok());
  EXPECT_EQ(Try("guess-00001"), "failed");
  v1::DeleteSubjectRequest request;
  request.set_name(name_.substr(0, name_.find("/records/")));
  *request.mutable_usage() = UsageFor("shop");
  const Result erased = vault_.Call("shop", "DeleteSubject", request);
  ASSERT_TRUE(erased.ok()) << erased.name();
  EXPECT_EQ(Try(kPassword), "NOT_FOUND");
  state_ = vault_.store().snapshot();
  scope_.emplace(*TenantScope::Create(*state_, *state_->FindTenant("default")));
  ChangeSet changes;
  const auto person =
      LoadSubject(vault_.engine(), *scope_, ParseRecordName(name_)->subject, &changes);
  ASSERT_TRUE(person.ok() && person->has_value());
  EXPECT_FALSE((*person)->row.has_use());
}

TEST_F(CredentialAttackTest, TheCountGoesWithItsRecord) {
  std::string other =
      vault_.Create({{"name", "Ito"}}, "18", name_.substr(0, name_.find("/records/")))
          .record()
          .name();
  EXPECT_EQ(Try("guess-00001"), "failed");
  std::swap(name_, other);
  EXPECT_EQ(Try("guess-00001"), "failed");
  EXPECT_EQ(FailureRows(), 2);
  v1::DeleteRecordRequest request;
  request.set_name(other);
  *request.mutable_usage() = UsageFor("shop");
  ASSERT_TRUE(vault_.Call("shop", "DeleteRecord", request).ok());
  EXPECT_EQ(FailureRows(), 1);
}

TEST_F(CredentialAttackTest, RotationKeepsCredentialAndCount) {
  ASSERT_TRUE(Set(kPassword).ok());
  EXPECT_EQ(Try("guess-00001"), "failed");
  vault_.Rotate();
  vault_.ReWrapAll();
  EXPECT_THAT(vault_.damaged, IsEmpty());
  EXPECT_EQ(Failures(), 1);
  EXPECT_EQ(Try(kPassword), "verified");
}

// A commit that is given up ends as one that may still take effect, where it writes: so a right
// guess and a wrong one write and read the same, whatever was counted before.
TEST_F(CredentialAttackTest, HowACommitIsGivenUpTellsNothing) {
  ASSERT_TRUE(Set(kPassword).ok());
  const auto cells = [this](std::string_view value) {
    Open call(vault_, "shop", "VerifyCredential", VerifyRequest(value));
    const Plan& plan = call.Next();
    std::vector<storage::Key> keys;
    for (const storage::Mutation& write : plan.writes) keys.push_back(write.key);
    return std::tuple(keys, plan.reads, plan.touches);
  };
  const auto right = cells(kPassword);
  EXPECT_THAT(std::get<0>(right), Not(IsEmpty()));
  EXPECT_EQ(cells("guess-00001"), right);
  EXPECT_EQ(Try("guess-00001"), "failed");
  EXPECT_EQ(cells(kPassword), cells("guess-00001"));
  EXPECT_EQ(Try(kPassword), "verified");
  EXPECT_EQ(FailureRows(), 0);
}

// A person's rows for counts, full.
class FullCountsTest : public CredentialAttackTest {
 protected:
  static constexpr int kRows = kMaxCountedCredentials;

  std::string NewRecord(const std::string& ref) {
    return vault_.Create({{"name", "Ito"}}, ref, name_.substr(0, name_.find("/records/")))
        .record()
        .name();
  }
  // Fills what is left with one failure each.
  void Fill() {
    const std::string target = name_;
    for (int i = FailureRows(); i < kRows; ++i) {
      name_ = NewRecord("n" + std::to_string(i));
      ASSERT_EQ(Try("guess-00001"), "failed");
    }
    filled_ = std::exchange(name_, target);
    ASSERT_EQ(FailureRows(), kRows);
  }

  std::string filled_;  // the last record that has a row
};

TEST_F(FullCountsTest, AreNoWayToMoreGuesses) {
  ASSERT_TRUE(Set(kPassword).ok());
  const std::string target = name_;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Try("guess-00001"), "failed");
  Fill();
  // The others share one count.
  name_ = NewRecord("one-more");
  ASSERT_TRUE(Set(kPassword).ok());
  EXPECT_EQ(Try("guess-00001"), "failed");
  EXPECT_EQ(Try("guess-00002"), "failed");
  EXPECT_EQ(Try(kPassword), "verified");
  name_ = NewRecord("another");
  EXPECT_EQ(Try("guess-00003"), "failed") << "for a success empties it not";
  EXPECT_EQ(Try("guess-00004"), "locked");
  EXPECT_EQ(FailureRows(), kRows + 1);
  name_ = target;
  EXPECT_EQ(Try(kPassword), "locked");
}

TEST_F(FullCountsTest, LockTheRestForNoLongerThanTheRuleSays) {
  Fill();
  name_ = NewRecord("one-more");
  ASSERT_TRUE(Set(kPassword).ok());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Try("guess-00001"), "failed");
  const Result locked = Verify(kPassword);
  EXPECT_EQ(Outcome(locked), "locked");
  EXPECT_EQ(locked.As<v1::VerifyCredentialResponse>().retry_time().seconds(),
            absl::ToUnixSeconds(vault_.now + absl::Minutes(10)));
  // Another rule of the same row has its own number of failures.
  EXPECT_EQ(Try("guess-00001", "pin"), "failed");
  vault_.now += absl::Minutes(10);
  EXPECT_EQ(Try(kPassword), "verified");
}

TEST_F(FullCountsTest, GiveWayAfterADay) {
  Fill();
  name_ = NewRecord("one-more");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Try("guess-00001"), "failed");
  vault_.now += absl::Hours(24);
  EXPECT_EQ(Try("guess-00001"), "failed");
  EXPECT_EQ(FailureRows(), 1);
  EXPECT_EQ(Failures(), 1);
}

// What comes to have a row of its own goes on from what the shared one has counted.
TEST_F(FullCountsTest, APlaceThatBecomesFreeIsNoWayToMoreGuesses) {
  Fill();
  name_ = NewRecord("one-more");
  for (int i = 0; i < 2; ++i) EXPECT_EQ(Try("guess-00001"), "failed");
  v1::DeleteRecordRequest request;
  request.set_name(filled_);
  *request.mutable_usage() = UsageFor("shop");
  ASSERT_TRUE(vault_.Call("shop", "DeleteRecord", request).ok());
  EXPECT_EQ(Try("guess-00001"), "failed");
  EXPECT_EQ(Try("guess-00001"), "locked");
}

// A lock that is longer than a day holds, whoever fills the rows meanwhile.
TEST_F(FullCountsTest, DoNotEndALongLock) {
  std::string longer(kCredentialPolicy);
  longer.replace(longer.find("lock: 10m"), 9, "lock: 3d");
  vault_.SetPolicy("default", longer);
  ASSERT_TRUE(Set(kPassword).ok());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Try("guess-00001"), "failed");
  const std::string target = name_;
  vault_.now += absl::Hours(30);
  Fill();
  name_ = NewRecord("one-more");
  EXPECT_EQ(Try("guess-00001"), "failed");
  name_ = target;
  EXPECT_EQ(Try(kPassword), "locked");
  vault_.now += absl::Hours(42);
  EXPECT_EQ(Try(kPassword), "verified");
}

}  // namespace
}  // namespace piivault::vault
