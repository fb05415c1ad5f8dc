// A vault that shares, and whose rows of sharing are swept.
#ifndef PIIVAULT_TESTS_VAULT_DISCLOSURES_SWEEP_TESTING_H_
#define PIIVAULT_TESTS_VAULT_DISCLOSURES_SWEEP_TESTING_H_

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "storage/commit_and_wait.h"
#include "tests/vault/disclosures/disclosure_testing.h"
#include "vault/keys/sealed_row.h"
#include "vault/ledger/export_rows.h"
#include "vault/ledger/notice_counter.h"
#include "vault/ledger/sharing_sweeper.h"

namespace piivault::vault {

class SweepVault : public SharingVault {
 public:
  SharingSweeper NewSweeper(size_t step_rows = 256, RandomSource& random = SystemRandom()) {
    return SharingSweeper({engine(), store(), random, [this] { return now; },
                           [this](const storage::Key& row) { damaged.push_back(row); }, step_rows});
  }
  // A whole pass; how many steps it took.
  static int Pass(SharingSweeper* sweeper) {
    constexpr int kMost = 100'000;
    for (int steps = 1; steps < kMost; ++steps) {
      const absl::StatusOr<bool> more = sweeper->Step();
      EXPECT_TRUE(more.ok()) << more.status();
      if (!more.ok() || !*more) return steps;
    }
    ADD_FAILURE() << "the pass has no end";
    return kMost;
  }
  void Sweep(size_t step_rows = 256) {
    SharingSweeper sweeper = NewSweeper(step_rows);
    Pass(&sweeper);
  }

  storage::Key PrefixOf(storage::SharingKind kind) {
    return storage::SharingPrefix(kind, TenantNumber("default"));
  }
  // By key bytes.
  std::map<std::string, std::string> RawRows(storage::SharingKind kind) {
    const std::string prefix = PrefixOf(kind).bytes;
    std::map<std::string, std::string> rows;
    for (auto& [key, value] : engine().Dump(storage::Table::kSharing)) {
      if (key.starts_with(prefix)) rows[key] = value;
    }
    return rows;
  }
  size_t Count(storage::SharingKind kind) { return RawRows(kind).size(); }
  // Rows that do not open are left out.
  template <typename Row>
  std::map<std::string, Row> Rows(storage::SharingKind kind) {
    std::map<std::string, Row> rows;
    for (const auto& [key, value] : RawRows(kind)) {
      auto row = OpenRow<Row>(store().snapshot()->keys(), {storage::Table::kSharing, key}, value);
      if (row.ok()) rows[key] = std::move(row->message);
    }
    return rows;
  }
  std::set<std::string> Keys() {
    std::set<std::string> keys;
    for (const auto& [key, value] : engine().Dump(storage::Table::kSharing)) keys.insert(key);
    return keys;
  }
  void Write(const storage::Key& key, std::optional<std::string> value) {
    auto commit = std::make_unique<storage::Commit>();
    commit->as_of = engine().AppliedSequence();
    commit->decided_at = absl::InfiniteFuture();
    commit->writes.push_back({key, std::move(value)});
    EXPECT_TRUE(storage::CommitOrError(engine(), std::move(commit)).ok());
  }
  // Another byte in the first row of a kind; its key.
  storage::Key Damage(storage::SharingKind kind) {
    const auto rows = RawRows(kind);
    if (rows.empty()) std::abort();
    storage::Key key{storage::Table::kSharing, rows.begin()->first};
    std::string value = rows.begin()->second;
    value.back() = static_cast<char>(value.back() ^ 1);
    Write(key, value);
    return key;
  }
  // As a call leaves them that breaks off before its last message; the id of what would have been
  // its token.
  storage::Id128 StrayParts(int parts) {
    const std::shared_ptr<const StateSnapshot> state = store().snapshot();
    const TenantScope scope = *TenantScope::Create(*state, *state->FindTenant("default"));
    const storage::Id128 token = SystemRandom().Id128();
    for (int i = 0; i < parts; ++i) {
      ChangeSet changes;
      PutExportPart(scope, SystemRandom(), token, static_cast<uint32_t>(i),
                    {{SystemRandom().Id128(), {}}}, now, &changes);
      Write(changes.writes[0].key, changes.writes[0].value);
    }
    return token;
  }
  void Acknowledge(const std::string& recipient, size_t most = 1000) {
    v1::AcknowledgeCorrectionNoticesRequest request;
    const Result open = Notices(recipient);
    for (const v1::CorrectionNotice& notice : Noticed(open).notices()) {
      if (static_cast<size_t>(request.names_size()) < most) request.add_names(notice.name());
    }
    if (request.names().empty()) return;
    EXPECT_TRUE(Call(recipient, "AcknowledgeCorrectionNotices", request).ok());
  }
  Result Erase(const std::string& person) {
    v1::DeleteSubjectRequest request;
    request.set_name(person);
    return Call("shop", "DeleteSubject", request);
  }
  void KeepFor(const std::string& keep) {
    std::string policy(kSharingPolicy);
    const std::string_view rules = "recipient_rules: {home: [JP]}";
    policy.replace(policy.find(rules), rules.size(),
                   "recipient_rules: {home: [JP], keep: " + keep + "}");
    SetPolicy("default", policy);
  }
  // A parcel's token again, for a person who has one.
  std::string NextToken(const Parcel& parcel, const std::string& recipient = "yamato") {
    return Token("sender", ForCarrier(parcel.person, recipient));
  }
  // Entries of the sweeper from `index` on.
  std::vector<storage::v1::EntryBody> Entries(uint64_t index) {
    std::vector<storage::v1::EntryBody> entries;
    const auto stored = engine().ReadEntries(index, 10'000);
    for (const storage::StoredEntry& one : *stored) {
      storage::v1::EntryBody body;
      if (!body.ParseFromString(one.entry.body)) std::abort();
      if (body.method() == "piivaultd/SweepSharing") entries.push_back(std::move(body));
    }
    return entries;
  }
};

}  // namespace piivault::vault

#endif  // PIIVAULT_TESTS_VAULT_DISCLOSURES_SWEEP_TESTING_H_
