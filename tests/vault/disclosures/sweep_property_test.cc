// Whatever was issued, redeemed, corrected and swept in whatever order: what is left are the rows
// that a naive model of the rules leaves, and whom the ledger has to name is named.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/vault/disclosures/sweep_testing.h"

namespace piivault::vault {
namespace {

using storage::SharingKind;
using storage::v1::CorrectionNoticeRow;
using storage::v1::DisclosedRow;
using storage::v1::DisclosureRow;
using storage::v1::ExportSubjectsRow;
using storage::v1::ExportTokenRow;
using storage::v1::HoldingRow;

constexpr int64_t kDayMicros = int64_t{86'400} * 1'000'000;

// Bytes of a key from one place on.
std::string At(const std::string& key, size_t from, size_t size = 16) {
  return key.substr(from, size);
}
constexpr size_t kHead = 9;  // kind and tenant

class SweepPropertyTest : public SweepVault, public testing::TestWithParam<unsigned> {
 protected:
  // By the text of the design, over all rows at once.
  std::set<std::string> WhatStays() {
    const int64_t time = absl::ToUnixMicros(now);
    std::set<std::string> stay;
    std::set<std::string> disclosures;         // ids
    std::set<std::string> tokens_disclosed;    // ids of tokens that a disclosure is of
    std::map<std::string, std::string> to;     // disclosure -> recipient's ref
    std::map<std::string, std::string> begun;  // disclosure -> the bytes of its beginning
    for (const auto& [key, row] : Rows<DisclosureRow>(SharingKind::kDisclosure)) {
      if (row.keep_micros() <= time && row.start_micros() + kDayMicros <= time) continue;
      stay.insert(key);
      disclosures.insert(At(key, kHead));
      tokens_disclosed.insert(row.token());
    }
    for (const auto& [key, value] : RawRows(SharingKind::kByRecipient)) {
      to[At(key, kHead + 24)] = At(key, kHead);
      if (disclosures.contains(At(key, kHead + 24))) stay.insert(key);
    }
    std::map<std::string, uint32_t> held;  // person and recipient -> disclosures
    for (const auto& [key, row] : Rows<DisclosedRow>(SharingKind::kDisclosed)) {
      if (!disclosures.contains(At(key, kHead))) continue;
      stay.insert(key);
      ++held[At(key, kHead + 16) + to.at(At(key, kHead))];
    }
    for (const auto& [key, value] : RawRows(SharingKind::kBySubject)) {
      if (disclosures.contains(At(key, kHead + 24))) stay.insert(key);
    }
    std::set<std::string> handles;
    for (const auto& [key, row] : Rows<HoldingRow>(SharingKind::kHolding)) {
      if (held[At(key, kHead, 32)] == 0) continue;
      stay.insert(key);
      handles.insert(row.handle());
    }
    for (const auto& [key, row] : Rows<CorrectionNoticeRow>(SharingKind::kNotice)) {
      if (row.acknowledge_micros() == 0 || handles.contains(row.handle())) stay.insert(key);
    }
    std::map<std::string, bool> alive;  // tokens that have a row, and whether one may redeem them
    for (const auto& [key, row] : Rows<ExportTokenRow>(SharingKind::kToken)) {
      const int64_t end =
          row.expire_micros() != 0 ? row.expire_micros() : row.create_micros() + kDayMicros;
      alive[At(key, kHead)] = time < end && row.rejected_by().empty();
      if (time < end + 90 * kDayMicros || tokens_disclosed.contains(At(key, kHead))) {
        stay.insert(key);
      }
    }
    for (const auto& [key, row] : Rows<ExportSubjectsRow>(SharingKind::kTokenSubjects)) {
      const auto token = alive.find(At(key, kHead));
      const bool stays =
          token == alive.end() ? time < row.create_micros() + kDayMicros : token->second;
      if (stays) stay.insert(key);
    }
    return stay;
  }

  // What each holding counts is what there is.
  void CheckHoldings() {
    std::map<std::string, std::string> to;
    for (const auto& [key, value] : RawRows(SharingKind::kByRecipient)) {
      to[At(key, kHead + 24)] = At(key, kHead);
    }
    std::map<std::string, uint32_t> there;
    for (const auto& [key, row] : Rows<DisclosedRow>(SharingKind::kDisclosed)) {
      ++there[At(key, kHead + 16) + to.at(At(key, kHead))];
    }
    std::map<std::string, uint32_t> counted;
    for (const auto& [key, row] : Rows<HoldingRow>(SharingKind::kHolding)) {
      counted[At(key, kHead, 32)] = row.disclosures();
    }
    EXPECT_EQ(counted, there);
  }

  // What the test has done itself: until when which disclosure of whom is kept.
  struct Someone {
    Parcel parcel;
    std::vector<absl::Time> kept;
    bool erased = false;
  };
  void CheckLedger() {
    for (const Someone& one : people_) {
      if (one.erased) continue;
      const Result listed = Disclosures("officer", one.parcel.person);
      ASSERT_TRUE(listed.ok()) << listed.name();
      const auto kept = std::count_if(one.kept.begin(), one.kept.end(),
                                      [this](absl::Time until) { return now < until; });
      EXPECT_EQ(Listed(listed).disclosures_size(), kept);
    }
  }

  size_t Below(size_t end) { return std::uniform_int_distribution<size_t>(0, end - 1)(random_); }
  Someone* Anyone() {
    std::vector<Someone*> living;
    for (Someone& one : people_) {
      if (!one.erased) living.push_back(&one);
    }
    return living.empty() ? nullptr : living[Below(living.size())];
  }
  absl::Time KeptFromNow() const {
    const auto civil = absl::ToCivilSecond(now, tokyo_);
    return absl::FromCivil(absl::CivilSecond(civil.year() + years_, civil.month(), civil.day(),
                                             civil.hour(), civil.minute(), civil.second()),
                           tokyo_);
  }

  void GiveToCarrier(Someone* one) {
    const std::string recipient = Below(2) == 0 ? "yamato" : "sagawa";
    const std::string token = NextToken(one->parcel, recipient);
    if (Below(4) == 0) return;  // never redeemed
    const Result given = Redeem(recipient, token);
    ASSERT_TRUE(given.ok()) << given.name();
    one->kept.push_back(KeptFromNow());
  }
  void GiveToPartner() {
    std::vector<Someone*> whom;
    std::vector<std::string> names;
    for (Someone& one : people_) {
      if (one.erased || Below(3) == 0) continue;
      whom.push_back(&one);
      names.push_back(one.parcel.person);
    }
    if (names.empty()) return;
    Attest("mailer-co", "partner_nda");
    const std::string token = Token("clerk", ForPartner(names));
    if (Below(4) == 0) return;
    const Result given = Redeem("mailer-co", token);
    ASSERT_TRUE(given.ok()) << given.name();
    for (Someone* one : whom) one->kept.push_back(KeptFromNow());
  }
  void AskByLaw(Someone* one) {
    const Result issued = Issue("clerk", ByLaw(one->parcel.person));
    ASSERT_TRUE(issued.ok()) << issued.name();
    if (Below(2) == 0) return;  // waits in vain
    v1::RejectExportTokenRequest reject;
    reject.set_name(issued.As<v1::IssueExportTokenResponse>().description().name());
    reject.mutable_usage()->set_purpose("legal");
    ASSERT_TRUE(Call("boss", "RejectExportToken", reject).ok());
  }
  void PassTime() {
    constexpr int kHours[] = {1, 24, 24 * 30, 24 * 91, 24 * 200, 24 * 366};
    now += absl::Hours(kHours[Below(std::size(kHours))]);
  }
  // Some steps of a pass that never ends, or a whole one.
  void SweepSome() {
    SharingSweeper sweeper = NewSweeper(1 + Below(5));
    for (size_t left = Below(30); left > 0; --left) {
      const absl::StatusOr<bool> more = sweeper.Step();
      ASSERT_TRUE(more.ok()) << more.status();
    }
  }
  void Act() {
    Someone* one = Anyone();
    switch (one == nullptr ? 0 : Below(12)) {
      case 0:
        people_.push_back({NewParcel(), {}, false});
        return;
      case 1:
      case 2:
        return GiveToCarrier(one);
      case 3:
        return GiveToPartner();
      case 4:
        return AskByLaw(one);
      case 5:
        StrayParts(static_cast<int>(1 + Below(3)));
        return;
      case 6:
        EXPECT_TRUE(
            Update(one->parcel.record, {{"phone", "090-0000-" + std::to_string(1000 + ++phone_)}})
                .ok());
        return;
      case 7:
        return Acknowledge(Below(2) == 0 ? "yamato" : "mailer-co", 1 + Below(2));
      case 8:
        if (Below(3) == 0) {
          EXPECT_TRUE(Erase(one->parcel.person).ok());
          one->erased = true;
        }
        return;
      case 9:
        return SweepSome();
      case 10:
        years_ = static_cast<int>(1 + Below(3));
        return KeepFor(std::to_string(years_) + "y");
      default:
        return PassTime();
    }
  }

  std::mt19937 random_{GetParam()};
  const absl::TimeZone tokyo_ = [] {
    absl::TimeZone zone;
    if (!absl::LoadTimeZone("Asia/Tokyo", &zone)) std::abort();
    return zone;
  }();
  int years_ = 3;
  int phone_ = 0;
  std::vector<Someone> people_;
};

TEST_P(SweepPropertyTest, WhatIsLeftIsWhatHasToBe) {
  for (int round = 0; round < 12; ++round) {
    for (int i = 0; i < 10; ++i) {
      Act();
      if (HasFatalFailure()) return;
      CheckHoldings();
    }
    const std::set<std::string> expected = WhatStays();
    const size_t step = 1 + Below(20);
    Sweep(step);
    Sweep(step);  // tokens whose disclosures the first pass has dropped
    EXPECT_EQ(Keys(), expected) << "round " << round;
    CheckHoldings();
    CheckLedger();
    // Nothing is left to do.
    const uint64_t entries = engine().LogEnd().index;
    Sweep();
    EXPECT_EQ(engine().LogEnd().index, entries);
    if (HasFailure()) return;
  }
  EXPECT_TRUE(damaged.empty());
}

INSTANTIATE_TEST_SUITE_P(Seeds, SweepPropertyTest, testing::Range(1u, 25u));

}  // namespace
}  // namespace piivault::vault
