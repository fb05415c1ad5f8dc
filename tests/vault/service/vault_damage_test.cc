// Rows that were damaged, planted or taken away stop nothing but themselves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "piivault/v1/admin_service.pb.h"
#include "tests/vault/service/vault_fixture.h"
#include "vault/keys/data_key_wrap.h"
#include "vault/keys/sealed_row.h"
#include "vault/records/damage.h"
#include "vault/rotation/rotation_controller.h"
#include "vault/service/resource_name.h"
#include "vault/state/vault_keys.h"

namespace piivault::vault {
namespace {

using Result = VaultFixture::Result;

std::string SubjectOf(const std::string& record) { return record.substr(0, record.find("/rec")); }

class VaultDamageTest : public testing::Test {
 protected:
  storage::TenantId Tenant() { return vault_.TenantNumber("default"); }

  storage::Key WrapOf(const std::string& record) {
    const RecordName name = *ParseRecordName(record);
    return storage::WrapKey(Tenant(), name.subject, name.record, 1);
  }
  storage::Key RowOf(const std::string& record) {
    const RecordName name = *ParseRecordName(record);
    return storage::RecordKey(Tenant(), name.subject, name.record);
  }
  storage::Key SubjectRowOf(const std::string& record) {
    return storage::SubjectKey(Tenant(), ParseRecordName(record)->subject);
  }
  storage::Key NoteOf(const std::string& record) {
    return storage::ErasureKey(Tenant(), ParseRecordName(record)->subject);
  }

  // Alters the last byte, and remembers what was there.
  void Damage(const storage::Key& key) {
    std::string value = *vault_.engine().Get(key);
    before_[key.bytes] = {key, value};
    value.back() = static_cast<char>(value.back() ^ 1);
    vault_.engine().Tamper(key, value);
  }
  void Garble(const storage::Key& key) {
    before_[key.bytes] = {key, *vault_.engine().Get(key)};
    vault_.engine().Tamper(key, "garbage");
  }
  void PutBack() {
    for (const auto& [name, row] : before_) vault_.engine().Tamper(row.first, row.second);
    before_.clear();
  }

  Result Erase(const std::string& record) {
    v1::DeleteSubjectRequest request;
    request.set_name(SubjectOf(record));
    *request.mutable_usage() = UsageFor("shop");
    return vault_.Call("shop", "DeleteSubject", request);
  }

  // A person with more records than an erasure takes at once; returns the first.
  v1::CreateRecordResponse Large(const std::string& email) {
    const v1::CreateRecordResponse first = vault_.Create({{"email", email}});
    v1::BatchCreateRecordsRequest batch;
    batch.set_parent("tenants/default");
    *batch.mutable_usage() = UsageFor("shop");
    for (size_t i = 0; i < kErasureBatch + 4; ++i) {
      *batch.add_records() = VaultFixture::NewCustomer({{"note", "n"}}).record();
      batch.mutable_records(static_cast<int>(i))->set_subject(SubjectOf(first.record().name()));
    }
    EXPECT_TRUE(vault_.Call("shop", "BatchCreateRecords", batch).ok());
    return first;
  }

  // Wraps of a person, with their values.
  std::map<std::string, std::string> WrapsOf(const std::string& record) {
    const storage::Key prefix = storage::WrapPrefix(Tenant(), ParseRecordName(record)->subject);
    std::map<std::string, std::string> wraps;
    for (const auto& [key, value] : vault_.engine().Dump(storage::Table::kWrap)) {
      if (key.starts_with(prefix.bytes)) wraps[key] = value;
    }
    return wraps;
  }

  const storage::v1::KeyringRow::Epoch& Recorded(uint32_t epoch) {
    state_ = vault_.store().snapshot();
    return *FindEpoch(state_->keyring(), epoch);
  }

  void Rotate() {
    vault_.damaged.clear();
    vault_.Rotate();
    vault_.ReWrapAll();
  }

  VaultFixture vault_;

 private:
  std::map<std::string, std::pair<storage::Key, std::string>> before_;
  std::shared_ptr<const StateSnapshot> state_;
};

using RotationDamageTest = VaultDamageTest;

TEST_F(RotationDamageTest, DamagedRowsStopNothingAndKeepTheirEpoch) {
  std::vector<std::string> names;
  for (int i = 0; i < 6; ++i) {
    names.push_back(vault_.Create({{"email", std::to_string(i) + "@example.jp"}}).record().name());
  }
  Damage(WrapOf(names[0]));
  Garble(WrapOf(names[1]));  // does not even say its epoch
  Damage(SubjectRowOf(names[2]));
  Damage(RowOf(names[3]));
  std::string token;
  for (const auto& [key, value] : vault_.engine().Dump(storage::Table::kIndex)) {
    if (key.starts_with(storage::TokenPrefix(Tenant()).bytes)) token = key;
  }
  Damage({storage::Table::kIndex, token});
  const storage::Key denial = storage::StateKey(storage::StateKind::kDenylist, "planted");
  vault_.engine().Tamper(denial, "garbage");

  Rotate();
  EXPECT_EQ(vault_.keyring().epochs()[0].status, EpochStatus::kRetired);
  EXPECT_EQ(vault_.Lookup("shop", "email", "5@example.jp", {"email"}).name(), "OK");
  std::set<std::string> reported;
  for (const storage::Key& key : vault_.damaged) reported.insert(key.bytes);
  for (const storage::Key& key :
       {WrapOf(names[0]), WrapOf(names[1]), WrapOf(names[2]), SubjectRowOf(names[2]), denial}) {
    EXPECT_TRUE(reported.contains(key.bytes)) << RowName(key);
  }
  EXPECT_TRUE(reported.contains(token));
  EXPECT_FALSE(reported.contains(WrapOf(names[3]).bytes)) << "the wrap itself is in order";
  // Two index rows, of value and domain, of each record that does not open.
  EXPECT_EQ(reported.size(), 6u + 4 * 2);
  EXPECT_EQ(vault_.damaged.size(), reported.size());
  EXPECT_EQ(Recorded(1).damaged(), reported.size());
  EXPECT_FALSE(Recorded(1).index_moved());
  // Everything else has moved.
  for (const auto& [key, value] : vault_.engine().Dump(storage::Table::kWrap)) {
    if (!reported.contains(key)) {
      EXPECT_EQ(WrapEpoch(value).value(), 2u);
    }
  }

  // I13: what hangs on the epoch can still be put back, so its key stays.
  EXPECT_TRUE(absl::IsFailedPrecondition(vault_.rotation().Destroy(1)));
  EXPECT_TRUE(vault_.keyring().EpochKey(1).ok());
  PutBack();
  EXPECT_EQ(vault_.Lookup("shop", "email", "0@example.jp", {"email"}).name(), "OK");
  EXPECT_TRUE(vault_.Reveal("shop", names[2], {"email"}).ok());

  // Mended or erased, and nothing is left after the next rotation.
  Garble(WrapOf(names[1]));
  ASSERT_TRUE(Erase(names[1]).ok());
  vault_.engine().Tamper(denial, std::nullopt);
  Rotate();
  EXPECT_THAT(vault_.damaged, testing::IsEmpty());
  EXPECT_EQ(Recorded(1).damaged(), 0u);
  EXPECT_EQ(Recorded(2).damaged(), 0u);
  EXPECT_TRUE(vault_.rotation().Destroy(1).ok());
  EXPECT_TRUE(vault_.rotation().Destroy(2).ok());
  for (const std::string& name : {names[0], names[2], names[3], names[4]}) {
    EXPECT_TRUE(vault_.Reveal("shop", name, {"email"}).ok()) << name;
  }
}

TEST_F(RotationDamageTest, AWrapOfUnknownEpochKeepsEachEpoch) {
  const std::string name = vault_.Create({{"email", "a@example.jp"}}).record().name();
  Rotate();
  Rotate();
  Garble(WrapOf(name));
  EXPECT_TRUE(absl::IsFailedPrecondition(vault_.rotation().Destroy(1)));
  EXPECT_TRUE(absl::IsFailedPrecondition(vault_.rotation().Destroy(2)));
  PutBack();
  EXPECT_TRUE(vault_.rotation().Destroy(1).ok());
}

TEST_F(RotationDamageTest, AWrapUnderAnotherKeyIsNotMoved) {
  const std::string name = vault_.Create({{"email", "a@example.jp"}}).record().name();
  storage::Key longer = WrapOf(name);
  longer.bytes.insert(8, "planted");
  vault_.engine().Tamper(longer, *vault_.engine().Get(WrapOf(name)));
  Rotate();
  EXPECT_THAT(vault_.damaged, testing::ElementsAre(longer));
}

TEST_F(RotationDamageTest, LookUpsPassOverEpochsWithoutIndex) {
  vault_.Create({{"email", "a@example.jp"}});
  Rotate();
  EXPECT_TRUE(Recorded(1).index_moved());
  EXPECT_FALSE(Recorded(2).index_moved());
  EXPECT_EQ(vault_.Lookup("shop", "email", "a@example.jp", {"email"}).name(), "OK");
  const auto epochs = [&](const KeySnapshot& keys) {
    std::vector<uint32_t> ids;
    const TenantScope scope = *TenantScope::Create(Tenant(), keys);
    for (const TenantKeys* tenant : scope.indexed()) ids.push_back(tenant->epoch);
    return ids;
  };
  EXPECT_THAT(epochs(*vault_.hierarchy().Current()), testing::ElementsAre(2));
  vault_.Rotate();  // nothing moved yet
  EXPECT_THAT(epochs(*vault_.hierarchy().Current()), testing::ElementsAre(2, 3));
  // What is known is in the database, for the next process.
  const auto again = *OpenKeyHierarchy(vault_.engine(), vault_.keyring());
  EXPECT_FALSE(again->Current()->HasIndex(1));
  EXPECT_TRUE(again->Current()->HasIndex(2));
  EXPECT_TRUE(again->Current()->HasIndex(3));
}

// Destroying by proposal.
class DestructionTest : public VaultDamageTest {
 protected:
  void Approve(uint32_t epoch, absl::Time expires) {
    v1::Proposal act;
    act.mutable_destroy_epoch()->set_epoch(epoch);
    storage::v1::ProposalRow row;
    row.set_id(SystemRandom().Id128().ToText());
    row.set_act(act.SerializeAsString());
    row.set_state(v1::PROPOSAL_STATE_APPROVED);
    row.set_expire_time_micros(absl::ToUnixMicros(expires));
    vault_.Put([&](StateChange& change) { change.PutProposal(row); });
  }
  EpochStatus StatusOfFirst() { return vault_.keyring().epochs()[0].status; }
};

TEST_F(DestructionTest, IsCarriedOutByWhoeverFindsTheApproval) {
  Rotate();
  Approve(1, vault_.now + absl::Hours(1));
  RotationController controller(vault_.RotationParts(), absl::Hours(1000), [] {});
  EXPECT_TRUE(controller.Work().ok());
  EXPECT_EQ(StatusOfFirst(), EpochStatus::kDestroyed);
  EXPECT_TRUE(Recorded(1).destroyed());
  EXPECT_EQ(controller.Work().value(), absl::Minutes(1));
}

TEST_F(DestructionTest, ExpiresWithItsProposal) {
  Rotate();
  Approve(1, vault_.now);
  RotationController controller(vault_.RotationParts(), absl::Hours(1000), [] {});
  EXPECT_TRUE(controller.Work().ok());
  EXPECT_EQ(StatusOfFirst(), EpochStatus::kRetired);
}

TEST_F(DestructionTest, WaitsForRowsThatHangOnTheEpochUntilItExpires) {
  const std::string name = vault_.Create({{"email", "a@example.jp"}}).record().name();
  Damage(WrapOf(name));
  Rotate();
  RotationController controller(vault_.RotationParts(), absl::Hours(1000), [] {});
  EXPECT_TRUE(absl::IsFailedPrecondition(controller.CheckDestroy(1)));
  EXPECT_EQ(controller.LiveRows(1), Recorded(1).damaged());
  Approve(1, vault_.now + absl::Hours(3));
  EXPECT_TRUE(absl::IsFailedPrecondition(controller.Work().status()));
  // Not over and over: it is a scan of all rows.
  EXPECT_EQ(controller.Work().value(), absl::Minutes(1));
  ASSERT_TRUE(Erase(name).ok());
  vault_.now += RotationController::kRetryDestroy;
  for (const auto& [key, value] : vault_.engine().Dump(storage::Table::kIndex)) {
    vault_.engine().Tamper({storage::Table::kIndex, key}, std::nullopt);
  }
  EXPECT_TRUE(controller.Work().ok());
  EXPECT_EQ(StatusOfFirst(), EpochStatus::kDestroyed);
}

TEST_F(DestructionTest, OnceBegunIsFinishedWhateverTheTime) {
  Rotate();
  // The key went, and the process with it before the database heard.
  ASSERT_TRUE(vault_.keyring().DestroyEpoch(1, vault_.now).ok());
  EXPECT_FALSE(Recorded(1).destroyed());
  RotationController controller(vault_.RotationParts(), absl::Hours(1000), [] {});
  EXPECT_TRUE(controller.Work().ok());
  EXPECT_TRUE(Recorded(1).destroyed());
}

// Calls back before each draw, with its size: between what a step has read and its commit.
class InterruptedRandom : public RandomSource {
 public:
  void Fill(absl::Span<uint8_t> out) override {
    if (before != nullptr) before(out.size());
    SystemRandom().Fill(out);
  }

  std::function<void(size_t size)> before;
};

class ErasureWhileRotatingTest : public VaultDamageTest {
 protected:
  // From the tombstone on no wrap of this person comes under an epoch where it was not.
  void ExpectNoneMoved(const std::string& name) {
    for (const auto& [key, value] : WrapsOf(name)) EXPECT_EQ(value, tombstone_wraps_[key]);
  }

  // Steps of rotation and worker, in the order of the bits of `order`, until both are done.
  void Interleave(const std::string& name, unsigned order) {
    ErasureWorker worker = vault_.NewErasureWorker();
    bool rotating = true;
    bool erasing = true;
    for (unsigned step = 0; rotating || erasing; ++step) {
      const bool erase = ((order >> (step % 4)) & 1) != 0;
      if (erasing && (erase || !rotating)) {
        erasing = worker.Step().value();
      } else {
        rotating = vault_.rotation().Step().value();
      }
      ExpectNoneMoved(name);
    }
    EXPECT_THAT(WrapsOf(name), testing::IsEmpty());
    Rotate();
    EXPECT_THAT(WrapsOf(name), testing::IsEmpty());
    EXPECT_THAT(vault_.damaged, testing::IsEmpty());
    EXPECT_EQ(vault_.Lookup("shop", "email", "kept@example.jp", {"email"}).name(), "OK");
  }

  void EraseNow(const std::string& name) {
    ASSERT_TRUE(Erase(name).ok());
    tombstone_wraps_ = WrapsOf(name);
    EXPECT_EQ(tombstone_wraps_.size(), kErasureBatch + 5);
  }

  std::map<std::string, std::string> tombstone_wraps_;
};

class ErasureBetweenStepsTest : public ErasureWhileRotatingTest,
                                public testing::WithParamInterface<std::pair<int, unsigned>> {};

TEST_P(ErasureBetweenStepsTest, NoWrapIsMovedBehindTheTombstone) {
  vault_.Create({{"email", "kept@example.jp"}});
  const std::string name = Large("gone@example.jp").record().name();
  vault_.Rotate();
  for (int i = 0; i < GetParam().first; ++i) ASSERT_TRUE(vault_.rotation().Step().ok());
  EraseNow(name);
  Interleave(name, GetParam().second);
}

INSTANTIATE_TEST_SUITE_P(Orders, ErasureBetweenStepsTest,
                         testing::Values(std::pair{0, 0u}, std::pair{0, 5u}, std::pair{0, 15u},
                                         std::pair{1, 0u}, std::pair{1, 6u}, std::pair{3, 10u}));

constexpr int kAtSalt = -1;
constexpr size_t kSaltSize = 16;

class ErasureInsideAStepTest : public ErasureWhileRotatingTest,
                               public testing::WithParamInterface<std::pair<int, unsigned>> {};

TEST_P(ErasureInsideAStepTest, NoWrapIsMovedBehindTheTombstone) {
  vault_.Create({{"email", "kept@example.jp"}});
  const std::string name = Large("gone@example.jp").record().name();
  InterruptedRandom random;
  vault_.Rotate(random);
  int left = GetParam().first;
  bool erased = false;
  random.before = [&](size_t size) {
    // The entry's salt, which comes when all rows of the step are planned, or the n-th draw.
    if (erased || (left == kAtSalt ? size != kSaltSize : left-- != 0)) return;
    erased = true;
    EraseNow(name);
  };
  while (!erased) ASSERT_TRUE(vault_.rotation().Step().value());
  random.before = nullptr;
  ExpectNoneMoved(name);
  Interleave(name, GetParam().second);
}

INSTANTIATE_TEST_SUITE_P(Draws, ErasureInsideAStepTest,
                         testing::Values(std::pair{0, 0u}, std::pair{40, 0u}, std::pair{100, 5u},
                                         std::pair{200, 15u}, std::pair{kAtSalt, 0u},
                                         std::pair{kAtSalt, 9u}));

TEST_F(ErasureWhileRotatingTest, ANoteThatWasTakenAwayIsPutThereAgain) {
  vault_.Create({{"email", "kept@example.jp"}});
  const std::string name = Large("gone@example.jp").record().name();
  EraseNow(name);
  vault_.engine().Tamper(NoteOf(name), std::nullopt);
  EXPECT_FALSE(vault_.NewErasureWorker().Step().value());
  vault_.Rotate();
  Interleave(name, 0);
}

using ErasureWorkerTest = VaultDamageTest;

TEST_F(ErasureWorkerTest, AnAlteredNoteStopsNoErasure) {
  const std::string a = Large("a@example.jp").record().name();
  const std::string b = Large("b@example.jp").record().name();
  ASSERT_TRUE(Erase(a).ok());
  ASSERT_TRUE(Erase(b).ok());
  Damage(NoteOf(a));
  Garble(NoteOf(b));
  int reports = 0;
  ErasureWorker worker =
      vault_.NewErasureWorker([&](const storage::Key&, const absl::Status&) { ++reports; });
  while (worker.Step().value()) {
  }
  EXPECT_THAT(vault_.engine().Dump(storage::Table::kWrap), testing::IsEmpty());
  EXPECT_THAT(vault_.engine().Dump(storage::Table::kRecord), testing::IsEmpty());
  EXPECT_TRUE(absl::IsNotFound(vault_.engine().Get(NoteOf(a)).status()));
  EXPECT_GT(reports, 1);
  EXPECT_EQ(worker.failing(), 0u);
}

TEST_F(ErasureWorkerTest, APersonWhoCannotBeRemovedIsTriedAgainAndKeepsNobodyWaiting) {
  const std::string a = Large("a@example.jp").record().name();
  const std::string b = Large("b@example.jp").record().name();
  const std::string living = vault_.Create({{"email", "c@example.jp"}}).record().name();
  ASSERT_TRUE(Erase(a).ok());
  ASSERT_TRUE(Erase(b).ok());
  Damage(SubjectRowOf(a));
  vault_.engine().Tamper(NoteOf(living), *vault_.engine().Get(NoteOf(b)));
  vault_.engine().Tamper(storage::ErasureKey(7, IdOf(7)), "of no tenant");
  std::vector<std::string> reports;
  ErasureWorker worker = vault_.NewErasureWorker(
      [&](const storage::Key& note, const absl::Status&) { reports.push_back(note.bytes); });
  const auto run = [&] {
    reports.clear();
    while (worker.Step().value()) {
    }
    return reports.size();
  };
  EXPECT_EQ(run(), 3u);
  EXPECT_EQ(worker.failing(), 3u);
  EXPECT_THAT(WrapsOf(b), testing::IsEmpty());
  EXPECT_EQ(WrapsOf(a).size(), kErasureBatch + 5);
  EXPECT_TRUE(vault_.Reveal("shop", living, {"email"}).ok());

  // With pauses that grow.
  EXPECT_EQ(run(), 0u);
  vault_.now += ErasureWorker::kFirstRetry;
  EXPECT_EQ(run(), 3u);
  vault_.now += ErasureWorker::kFirstRetry;
  EXPECT_EQ(run(), 0u);
  vault_.now += ErasureWorker::kFirstRetry;
  EXPECT_EQ(run(), 3u);
  for (int i = 0; i < 10; ++i) {
    vault_.now += ErasureWorker::kLastRetry;
    EXPECT_EQ(run(), 3u);
  }
  PutBack();
  vault_.engine().Tamper(NoteOf(living), std::nullopt);
  vault_.engine().Tamper(storage::ErasureKey(7, IdOf(7)), std::nullopt);
  vault_.now += ErasureWorker::kLastRetry;
  EXPECT_EQ(run(), 0u);
  EXPECT_THAT(WrapsOf(a), testing::IsEmpty());
  EXPECT_EQ(worker.failing(), 0u);
}

TEST_F(ErasureWorkerTest, WrapsWithoutRecordGoToo) {
  const std::string name = Large("a@example.jp").record().name();
  ASSERT_TRUE(Erase(name).ok());
  vault_.engine().Tamper(RowOf(name), std::nullopt);
  ErasureWorker worker = vault_.NewErasureWorker();
  while (worker.Step().value()) {
  }
  EXPECT_THAT(WrapsOf(name), testing::IsEmpty());
}

TEST_F(ErasureWorkerTest, AnEngineThatIsAwayIsNobodysFailure) {
  const std::string name = Large("a@example.jp").record().name();
  ASSERT_TRUE(Erase(name).ok());
  ErasureWorker worker = vault_.NewErasureWorker();
  vault_.engine().FailNext(storage::CommitOutcome::kUnavailable, 1);
  EXPECT_TRUE(absl::IsUnavailable(worker.Step().status()));
  EXPECT_EQ(worker.failing(), 0u);
  EXPECT_TRUE(worker.Step().value());
}

class StrayRowTest : public VaultDamageTest {
 protected:
  StrayRowTest() {
    for (int i = 0; i < 5; ++i) {
      made_.insert(vault_.Create({{"email", std::to_string(i) + "@example.jp"}}).record().name());
    }
  }

  void Plant(const storage::Id128& subject, const storage::Id128& record) {
    vault_.engine().Tamper(storage::TypeIndexKey(Tenant(), "customer", subject, record), "");
  }

  // All pages of the type; each record is in one of them.
  std::multiset<std::string> Listed() {
    std::multiset<std::string> seen;
    v1::ListRecordsRequest request;
    request.set_parent("tenants/default");
    request.set_type("customer");
    request.set_page_size(2);
    int pages = 0;
    do {
      const Result page = vault_.Call("shop", "ListRecords", request);
      EXPECT_TRUE(page.ok()) << page.name();
      if (!page.ok()) break;
      const auto& response = page.As<v1::ListRecordsResponse>();
      for (const auto& record : response.records()) seen.insert(record.name());
      request.set_page_token(response.next_page_token());
      // Every page but the last is full, as if nothing had been passed over.
      if (!request.page_token().empty()) {
        EXPECT_EQ(response.records_size(), 2);
      }
    } while (!request.page_token().empty() && ++pages < 20);
    return seen;
  }

  template <typename Response, typename Request>
  std::multiset<std::string> Streamed(const std::string& who, const std::string& method,
                                      const Request& request) {
    std::multiset<std::string> seen;
    for (const Result& message : vault_.Stream(who, method, request)) {
      EXPECT_TRUE(message.ok()) << message.name();
      if (!message.ok()) break;
      for (const auto& record : message.template As<Response>().records()) {
        seen.insert(record.name());
      }
    }
    return seen;
  }

  void ExpectAllLists() {
    const std::multiset<std::string> all(made_.begin(), made_.end());
    ASSERT_EQ(Listed(), all);
    v1::StreamRevealRecordsRequest stream;
    stream.set_parent("tenants/default");
    stream.add_fields("email");
    *stream.mutable_usage() = UsageFor("shop");
    stream.mutable_selector()->set_type("customer");
    EXPECT_EQ(Streamed<v1::StreamRevealRecordsResponse>("shop", "StreamRevealRecords", stream),
              all);
    v1::DownloadRecordsRequest download;
    download.set_parent("tenants/default");
    download.set_type("customer");
    *download.mutable_usage() = UsageFor("owner");
    EXPECT_EQ(Streamed<v1::DownloadRecordsResponse>("owner", "DownloadRecords", download), all);
  }

  std::set<std::string> made_;
};

TEST_F(StrayRowTest, PlantedRowsAreInNoListAndStopNone) {
  const RecordName known = *ParseRecordName(*made_.begin());
  Plant(IdOf(0), IdOf(0));
  Plant(IdOf(0xff), IdOf(0xff));
  Plant(known.subject, IdOf(9));  // a person who is there, a record that is not
  v1::CreateRecordRequest mail;
  mail.set_parent("tenants/default");
  mail.mutable_record()->set_type("mail");
  (*mail.mutable_record()->mutable_fields())["body"] = "Dear all";
  *mail.mutable_usage() = UsageFor("shop");
  const Result other_type = vault_.Call("shop", "CreateRecord", mail);
  ASSERT_TRUE(other_type.ok()) << other_type.name();
  const RecordName letter =
      *ParseRecordName(other_type.As<v1::CreateRecordResponse>().record().name());
  Plant(letter.subject, letter.record);
  v1::CreateRecordRequest create = VaultFixture::NewCustomer({{"email", "x@example.jp"}});
  create.set_parent("tenants/other");
  const Result other_tenant = vault_.Call("other-shop", "CreateRecord", create);
  ASSERT_TRUE(other_tenant.ok()) << other_tenant.name();
  const RecordName stranger =
      *ParseRecordName(other_tenant.As<v1::CreateRecordResponse>().record().name());
  Plant(stranger.subject, stranger.record);
  ExpectAllLists();
  // Three lists came upon five rows each; a page looks again at what the one before saw last.
  EXPECT_GE(vault_.stray_rows, 15);
}

TEST_F(StrayRowTest, KeysOfAnotherLengthAreNoPlaceToGoOnFrom) {
  const storage::Key prefix = storage::TypeIndexPrefix(Tenant(), "customer");
  std::vector<std::string> rests = {"", "\xff\xff", std::string(31, '\0'), std::string(33, '\x40')};
  // More than one look takes, behind the place that a key without ids would be.
  for (int i = 0; i < 1000; ++i) {
    rests.push_back({'\0', '\0', '\1', static_cast<char>(i / 256), static_cast<char>(i % 256)});
  }
  for (const std::string& rest : rests) {
    vault_.engine().Tamper({storage::Table::kIndex, prefix.bytes + rest}, "");
  }
  ExpectAllLists();
}

TEST_F(StrayRowTest, ARecordThatIsDamagedIsAnError) {
  const std::string name = *made_.begin();
  for (const storage::Key& key : {RowOf(name), WrapOf(name), SubjectRowOf(name)}) {
    Garble(key);
    v1::ListRecordsRequest request;
    request.set_parent("tenants/default");
    request.set_type("customer");
    EXPECT_EQ(vault_.Call("shop", "ListRecords", request).name(), "DATA_LOSS");
    v1::BatchRevealRecordsRequest batch;
    batch.set_parent("tenants/default");
    for (const std::string& each : made_) batch.add_names(each);
    batch.add_fields("email");
    *batch.mutable_usage() = UsageFor("shop");
    const Result result = vault_.Call("shop", "BatchRevealRecords", batch);
    ASSERT_TRUE(result.ok()) << result.name();
    const auto& items = result.As<v1::BatchRevealRecordsResponse>().results();
    EXPECT_EQ(items[0].failure().reason(), "DATA_LOSS");
    for (int i = 1; i < items.size(); ++i) EXPECT_TRUE(items[i].has_record()) << i;
    PutBack();
  }
}

TEST(RowNameTest, HasIdsAndNoTokens) {
  const storage::Id128 id = IdOf(1);
  const std::string record = "subjects/" + id.ToText() + "/records/" + id.ToText();
  EXPECT_EQ(RowName(storage::WrapKey(1, id, id, 3)), "wrap of " + record);
  EXPECT_EQ(RowName(storage::RecordKey(1, id, id)), "row of " + record);
  EXPECT_EQ(RowName(storage::SubjectKey(1, id)), "row of subjects/" + id.ToText());
  EXPECT_EQ(RowName(storage::ErasureKey(1, id)), "erasure of subjects/" + id.ToText());
  for (const storage::Key& key :
       {storage::TokenKey(1, id), storage::StateKey(storage::StateKind::kPerson, "sato"),
        storage::Key{storage::Table::kWrap, "short"}, storage::Key{storage::Table::kState, ""}}) {
    const std::string name = RowName(key);
    EXPECT_THAT(name, testing::HasSubstr("SHA-256")) << name;
    EXPECT_THAT(name, testing::Not(testing::HasSubstr(id.ToText())));
    EXPECT_THAT(name, testing::Not(testing::HasSubstr("sato")));
  }
}

}  // namespace
}  // namespace piivault::vault
