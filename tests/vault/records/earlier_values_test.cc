// What a record keeps of the values that its fields had, and when that goes.
#include "vault/records/earlier_values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_replace.h"
#include "authz/policy.h"
#include "storage/commit_and_wait.h"
#include "tests/fakes/memory_engine.h"
#include "tests/vault/keys/key_fixture.h"
#include "vault/records/record_finder.h"
#include "vault/records/record_writer.h"
#include "vault/records/tenant_scope.h"

namespace piivault::vault {
namespace {

using storage::v1::EarlierValue;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view kPolicy = R"(policy: test
timezone: Asia/Tokyo
types:
  user:
    fields:
      name: {type: person_name, index: true, history: all}
      title: {type: job_title, history: 2}
      account: {type: bank_account_number, history: all, key_class: important}
      letter: {type: mail_body, history: all}
      note: {type: free_text, max: 65536, history: 1000}
      plain: free_text
purposes: {order: {label: {en: Orders}}}
roles: {shop: {kind: service}}
grants:
  - {id: w, role: shop, may: [create], fields: [user.*], for: [order]}
)";

using Fields = std::vector<std::pair<std::string, std::string>>;

class EarlierValuesTest : public testing::Test {
 protected:
  EarlierValuesTest() : rules_(ValueRules::Create().value()), unique_(fixture_.random()) {
    SetPolicy(std::string(kPolicy));
  }
  ~EarlierValuesTest() override { engine_.Shutdown(); }

  void SetPolicy(const std::string& yaml) {
    authz::PolicyText text;
    text.yaml = yaml;
    policy_ = authz::Policy::Load(text).value();
    indexes_ = indexes_.Under(*policy_, [](std::string_view) { return true; });
  }
  std::vector<FieldWrite> Writes(const Fields& fields) {
    std::vector<FieldWrite> writes;
    for (const auto& [name, value] : fields) {
      writes.push_back({&policy_->field(policy_->FindField("user." + name)), value, false});
    }
    return writes;
  }
  void Commit(ChangeSet changes) {
    auto commit = std::make_unique<storage::Commit>();
    commit->as_of = engine_.AppliedSequence();
    commit->decided_at = absl::Now();
    commit->writes = std::move(changes.writes);
    ASSERT_TRUE(storage::CommitOrError(engine_, std::move(commit)).ok());
  }
  void Create(const Fields& fields) {
    const auto keys = fixture_.keys();
    const TenantScope scope = TenantScope::Create(KeyFixture::kTenant, *keys, indexes_).value();
    ChangeSet changes;
    RecordWriter writer(Deps(), scope, *policy_, now_, &changes);
    RecordDraft draft;
    draft.type = &policy_->type(0);
    draft.fields = Writes(fields);
    const WriteResult result = writer.Create(draft).value();
    ASSERT_TRUE(result.ok());
    writer.Finish();
    at_ = {result.identity.subject, result.identity.record};
    Commit(std::move(changes));
  }
  WriteResult Update(const Fields& fields, const std::vector<std::string_view>& clear = {},
                     bool clear_others = false) {
    now_ += absl::Minutes(1);
    const auto keys = fixture_.keys();
    const TenantScope scope = TenantScope::Create(KeyFixture::kTenant, *keys, indexes_).value();
    ChangeSet changes;
    LoadResult loaded = LoadRecord(engine_, scope, at_, &changes).value();
    EXPECT_TRUE(loaded.ok());
    RecordChange change;
    change.set = Writes(fields);
    change.clear = clear;
    change.clear_others = clear_others;
    change.author = "sato";
    RecordWriter writer(Deps(), scope, *policy_, now_, &changes);
    WriteResult result = writer.Update(loaded.record.get(), change).value();
    if (!result.ok()) return result;
    writer.Finish();
    Commit(std::move(changes));
    return result;
  }
  std::unique_ptr<LoadedRecord> Load() {
    keys_ = fixture_.keys();
    scope_ = std::make_unique<TenantScope>(
        TenantScope::Create(KeyFixture::kTenant, *keys_, indexes_).value());
    ChangeSet changes;
    return std::move(LoadRecord(engine_, *scope_, at_, &changes).value().record);
  }
  // Earlier values of a field, oldest first.
  std::vector<std::string> Earlier(const std::string& field) {
    const std::unique_ptr<LoadedRecord> record = Load();
    std::vector<std::string> values;
    for (const EarlierValue& earlier : record->header().earlier()) {
      if (earlier.name() != field) continue;
      values.emplace_back(record->reader->DecryptEarlier(earlier).value().view());
    }
    return values;
  }
  std::string Now(const std::string& field) {
    const std::unique_ptr<LoadedRecord> record = Load();
    return std::string(record->reader->DecryptField(*record->reader->Field(field)).value().view());
  }
  RecordWriter::Deps Deps() { return {engine_, *rules_, unique_, fixture_.random()}; }

  KeyFixture fixture_;
  fakes::MemoryEngine engine_;
  std::unique_ptr<ValueRules> rules_;
  UniqueCells unique_;
  std::shared_ptr<const authz::Policy> policy_;
  TenantIndexes indexes_;
  absl::Time now_ = kTestTime;
  storage::RecordLocator at_;
  std::shared_ptr<const KeySnapshot> keys_;
  std::unique_ptr<TenantScope> scope_;
};

TEST_F(EarlierValuesTest, SayFromWhenToWhenAndWhoReplacedThem) {
  Create({{"name", "山田 花子"}, {"plain", "x"}});
  Update({{"plain", "y"}});
  Update({{"name", "鈴木 花子"}});
  Update({{"name", "佐藤 花子"}});
  EXPECT_THAT(Earlier("name"), ElementsAre("山田 花子", "鈴木 花子"));
  EXPECT_EQ(Now("name"), "佐藤 花子");
  const std::unique_ptr<LoadedRecord> record = Load();
  ASSERT_EQ(record->header().earlier_size(), 2);
  const int64_t start = absl::ToUnixMicros(kTestTime);
  const int64_t minute = absl::ToInt64Microseconds(absl::Minutes(1));
  const EarlierValue& first = record->header().earlier(0);
  EXPECT_EQ(first.first_version(), 1u);
  EXPECT_EQ(first.last_version(), 2u);
  EXPECT_EQ(first.set_micros(), start);
  EXPECT_EQ(first.replaced_micros(), start + 2 * minute);
  EXPECT_EQ(first.replaced_by(), "sato");
  const EarlierValue& second = record->header().earlier(1);
  EXPECT_EQ(second.first_version(), 3u);
  EXPECT_EQ(second.last_version(), 3u);
  EXPECT_EQ(second.set_micros(), start + 2 * minute);
}

TEST_F(EarlierValuesTest, TheSameValueAgainIsNone) {
  Create({{"name", "山田 花子"}});
  Update({{"name", "山田 花子"}});
  EXPECT_THAT(Earlier("name"), IsEmpty());
  Update({{"name", "鈴木 花子"}});
  EXPECT_EQ(Load()->header().earlier(0).first_version(), 1u);
  EXPECT_EQ(Load()->header().earlier(0).last_version(), 2u);
}

TEST_F(EarlierValuesTest, OfANumberTheOldestGo) {
  Create({{"title", "a"}});
  for (const char* title : {"b", "c", "d", "e"}) Update({{"title", title}});
  EXPECT_THAT(Earlier("title"), ElementsAre("c", "d"));
  SetPolicy(absl::StrReplaceAll(std::string(kPolicy), {{"history: 2", "history: 1"}}));
  Update({{"plain", "x"}});
  EXPECT_THAT(Earlier("title"), ElementsAre("d"));
}

TEST_F(EarlierValuesTest, GoWithTheItem) {
  Create({{"name", "a"}, {"title", "a"}, {"note", "a"}});
  Update({{"name", "b"}, {"title", "b"}, {"note", "b"}});
  Update({}, {"name"});
  EXPECT_THAT(Earlier("name"), IsEmpty());
  EXPECT_THAT(Earlier("title"), ElementsAre("a"));
  // Whatever a replacement of the record leaves out is cleared too.
  Update({{"note", "c"}}, {}, true);
  EXPECT_THAT(Earlier("title"), IsEmpty());
  EXPECT_THAT(Earlier("note"), ElementsAre("a", "b"));
  // A value that comes later has no past.
  Update({{"name", "c"}});
  EXPECT_THAT(Earlier("name"), IsEmpty());
}

TEST_F(EarlierValuesTest, GoWithTheNextWriteWhereThePolicyKeepsNoneAnyMore) {
  Create({{"name", "a"}, {"title", "a"}});
  Update({{"name", "b"}, {"title", "b"}});
  SetPolicy(
      absl::StrReplaceAll(std::string(kPolicy), {{"index: true, history: all", "index: true"}}));
  EXPECT_THAT(Earlier("name"), ElementsAre("a"));
  Update({{"plain", "x"}});
  EXPECT_THAT(Earlier("name"), IsEmpty());
  EXPECT_THAT(Earlier("title"), ElementsAre("a"));
}

TEST_F(EarlierValuesTest, AreNotFoundByTheirValue) {
  Create({{"name", "a"}});
  Update({{"name", "b"}});
  const auto keys = fixture_.keys();
  const TenantScope scope = TenantScope::Create(KeyFixture::kTenant, *keys, indexes_).value();
  ChangeSet changes;
  RecordFinder finder(engine_, scope, &changes);
  const auto hits = [&](std::string_view value) {
    const SearchTerm term =
        SearchTerm::Of(*rules_, "user.name", *indexes_.Find("user.name"), &IndexForm::whole, value)
            .value();
    return finder.FindTerm(term, nullptr, 8).value().size();
  };
  EXPECT_EQ(hits("a"), 0u);
  EXPECT_EQ(hits("b"), 1u);
}

TEST_F(EarlierValuesTest, ImportantOnesStayUnderTheirKey) {
  Create({{"account", "0123456"}});
  Update({{"account", "6543210"}});
  Update({{"plain", "x"}});
  EXPECT_TRUE(Load()->header().earlier(0).important());
  EXPECT_THAT(Earlier("account"), ElementsAre("0123456"));
}

// A field that becomes important takes its past with it at the next write of the record.
TEST_F(EarlierValuesTest, GoUnderTheKeyThatTheirFieldHasByNow) {
  SetPolicy(absl::StrReplaceAll(std::string(kPolicy), {{", key_class: important", ""}}));
  Create({{"account", "0123456"}});
  Update({{"account", "6543210"}});
  EXPECT_FALSE(Load()->header().earlier(0).important());
  SetPolicy(std::string(kPolicy));
  Update({{"plain", "x"}});
  EXPECT_TRUE(Load()->header().earlier(0).important());
  EXPECT_THAT(Earlier("account"), ElementsAre("0123456"));
  // And never back.
  SetPolicy(absl::StrReplaceAll(std::string(kPolicy), {{", key_class: important", ""}}));
  Update({{"plain", "y"}});
  EXPECT_TRUE(Load()->header().earlier(0).important());
}

TEST_F(EarlierValuesTest, OnlyThePresentWrapOpensAny) {
  Create({{"name", "a"}});
  Update({{"name", "b"}});
  Update({{"name", "c"}});
  EXPECT_EQ(engine_.Dump(storage::Table::kWrap).size(), 1u);
  EXPECT_EQ(engine_.Dump(storage::Table::kRecord).size(), 1u);
}

TEST_F(EarlierValuesTest, WhereAllAreKeptAndNoMoreFitTheWriteIsRefused) {
  const std::string large(400 << 10, 'x');
  Create({{"letter", large + "1"}, {"note", "a"}});
  Update({{"letter", large + "2"}});
  Update({{"note", "b"}, {"letter", large + "3"}});
  const WriteResult refused = Update({{"letter", large + "4"}});
  EXPECT_EQ(refused.reason, authz::Reason::kHistoryFull);
  ASSERT_NE(refused.field, nullptr);
  EXPECT_EQ(refused.field->full_name, "user.letter");
  EXPECT_EQ(Now("letter"), large + "3");
  // Of the others the oldest go instead, and what adds nothing goes on.
  EXPECT_TRUE(Update({{"plain", "x"}}).ok());
  EXPECT_EQ(Update({{"letter", large + "3"}}).reason, authz::Reason::kHistoryFull);
  EXPECT_TRUE(Update({}, {"letter"}).ok());
  EXPECT_THAT(Earlier("letter"), IsEmpty());
  EXPECT_THAT(Earlier("note"), ElementsAre("a"));
}

// Who may write a field and not read it could try values until one is not refused.
TEST_F(EarlierValuesTest, WhetherThereIsRoomTellsNothingOfTheValue) {
  const std::string half(512 << 10, 'x');
  Create({{"letter", half}, {"name", "secret"}});
  Update({{"letter", half.substr(3)}});
  ASSERT_TRUE(Update({{"letter", "z"}}).ok());
  EXPECT_EQ(Update({{"name", "wrong"}}).reason, authz::Reason::kHistoryFull);
  EXPECT_EQ(Update({{"name", "secret"}}).reason, authz::Reason::kHistoryFull);
}

TEST_F(EarlierValuesTest, WhoWritesOneFieldDoesNotDoAwayWithThePastOfOthers) {
  Create({{"title", "a"}, {"note", "0"}});
  Update({{"title", "b"}});
  for (int i = 1; i < 40; ++i)
    Update({{"note", std::string(60 << 10, static_cast<char>('a' + i % 26))}});
  EXPECT_THAT(Earlier("title"), ElementsAre("a"));
}

TEST_F(EarlierValuesTest, OfANumberTheOldestMakeRoom) {
  const std::string large(60 << 10, 'x');
  Create({{"note", large}, {"name", "first"}});
  for (int i = 0; i < 20; ++i) Update({{"note", large + std::to_string(i)}});
  const std::vector<std::string> kept = Earlier("note");
  EXPECT_EQ(kept.size(), kMaxEarlierBytes / large.size());
  EXPECT_EQ(kept.back(), large + "18");
  Update({{"name", "second"}});
  EXPECT_THAT(Earlier("name"), ElementsAre("first"));
}

TEST_F(EarlierValuesTest, TheirNumberIsBoundedOverAllFields) {
  SetPolicy(absl::StrReplaceAll(std::string(kPolicy),
                                {{"plain: free_text", "plain: {type: free_text, history: 1000}"}}));
  Create({{"note", "-1"}, {"plain", "-1"}, {"name", "-1"}});
  for (int i = 0; i < 510; ++i) {
    ASSERT_TRUE(Update({{"note", std::to_string(i)}, {"plain", std::to_string(i)}}).ok());
  }
  const std::vector<std::string> note = Earlier("note");
  EXPECT_EQ(note.size() + Earlier("plain").size(), kMaxEarlierValues);
  EXPECT_EQ(note.back(), "508");
}

TEST_F(EarlierValuesTest, ADamagedOneIsNotWrittenAnew) {
  Create({{"name", "a"}});
  Update({{"name", "b"}});
  std::string row = engine_.Dump(storage::Table::kRecord).begin()->second;
  row.back() = static_cast<char>(row.back() ^ 1);  // The last part is the earlier value.
  ChangeSet damage;
  damage.Put(storage::RecordKey(KeyFixture::kTenant, at_.subject, at_.record), row);
  Commit(std::move(damage));
  EXPECT_EQ(Now("name"), "b");
  const std::unique_ptr<LoadedRecord> record = Load();
  EXPECT_TRUE(
      absl::IsDataLoss(record->reader->DecryptEarlier(record->header().earlier(0)).status()));
  RecordChange change;
  change.set = Writes({{"plain", "x"}});
  EXPECT_TRUE(absl::IsDataLoss(PlanEarlierValues(*policy_, record.get(), change, now_).status()));
}

}  // namespace
}  // namespace piivault::vault
