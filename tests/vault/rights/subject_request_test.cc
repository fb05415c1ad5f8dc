// How far a request is, against a plain account of what was said about each field.
#include "vault/rights/subject_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace piivault::vault {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr char kDuty[] = "statute_or_legal_duty";
constexpr char kContract[] = "contract_active_without_termination";

SubjectRequestRow NewRequest(const std::vector<std::string>& fields, bool freezes = false) {
  static int number = 0;
  SubjectRequestRow row;
  row.set_id("request-" + std::to_string(++number));
  row.set_freezes(freezes);
  for (const std::string& field : fields) row.add_fields(field);
  return row;
}

SubjectRequestRow::Refusal NewRefusal(const std::vector<std::string>& fields, const char* ground) {
  SubjectRequestRow::Refusal refusal;
  for (const std::string& field : fields) refusal.add_fields(field);
  refusal.set_ground(ground);
  return refusal;
}

TEST(SubjectRequestTest, IsOpenUntilEachFieldIsDoneOrRefused) {
  const SubjectUse use;
  SubjectRequestRow row = NewRequest({"a.x", "a.y"});
  EXPECT_EQ(StateOf(row, use), RequestState::kOpen);
  AddRefusal(NewRefusal({"a.x"}, kDuty), &row);
  EXPECT_EQ(StateOf(row, use), RequestState::kOpen);
  EXPECT_THAT(OpenFields(row, use), ElementsAre("a.y"));
  SubjectRequestRow refused = row;
  AddRefusal(NewRefusal({"a.y"}, kDuty), &refused);
  EXPECT_EQ(StateOf(refused, use), RequestState::kRefused);
  MarkDone({"a.y"}, 7, &row);
  EXPECT_EQ(StateOf(row, use), RequestState::kPartlyRefused);
  EXPECT_EQ(row.complete_micros(), 7);
  SubjectRequestRow all = NewRequest({"a.x"});
  MarkDone({"a.x"}, 7, &all);
  EXPECT_EQ(StateOf(all, use), RequestState::kCompleted);
}

// A person who asks that the contract end.
SubjectRequestRow Termination() {
  SubjectRequestRow row = NewRequest({"a.x"});
  row.set_kind(std::string(kTerminate));
  return row;
}

TEST(SubjectRequestTest, AGroundOfTheContractHoldsAsLongAsItStands) {
  for (const bool ended : {false, true}) {
    for (const bool intended : {false, true}) {
      SubjectUse use;
      SubjectRequestRow row = NewRequest({"a.x"});
      AddRefusal(NewRefusal({"a.x"}, kContract), &row);
      EXPECT_EQ(StateOf(row, use), RequestState::kRefused);
      use.set_contract_ended(ended);
      ASSERT_TRUE(!intended || AddRequest(Termination(), &use));
      const bool stands = !ended && !intended;
      EXPECT_EQ(ContractStands(use), stands);
      EXPECT_EQ(StateOf(row, use), stands ? RequestState::kRefused : RequestState::kOpen);
      EXPECT_EQ(Holds(row.refusals(0), use), stands);
      AddRefusal(NewRefusal({"a.x"}, kDuty), &row);
      EXPECT_EQ(StateOf(row, use), RequestState::kRefused);
      EXPECT_EQ(row.refusals_size(), 1) << "the earlier refusal of the field is gone";
    }
  }
}

TEST(SubjectRequestTest, AnIntentEndsWithItsRequest) {
  SubjectUse use;
  ASSERT_TRUE(AddRequest(Termination(), &use));
  EXPECT_FALSE(ContractStands(use));
  SubjectUse withdrawn = use;
  withdrawn.mutable_requests(0)->set_withdraw_micros(1);
  EXPECT_TRUE(ContractStands(withdrawn));
  EXPECT_EQ(StateOf(withdrawn.requests(0), withdrawn), RequestState::kWithdrawn);
  EXPECT_THAT(OpenFields(withdrawn.requests(0), withdrawn), IsEmpty());
  MarkDone({"a.x"}, 1, use.mutable_requests(0));
  EXPECT_TRUE(ContractStands(use)) << "it was carried out, and there is another contract";
}

TEST(SubjectRequestTest, WhatHasLapsedNeverHoldsAgain) {
  SubjectUse use;
  SubjectRequestRow row = NewRequest({"a.x", "a.y"});
  AddRefusal(NewRefusal({"a.x"}, kContract), &row);
  AddRefusal(NewRefusal({"a.y"}, kDuty), &row);
  ASSERT_TRUE(AddRequest(row, &use));
  EXPECT_EQ(StateOf(use.requests(0), use), RequestState::kRefused);
  LapseRefusals(&use);
  EXPECT_TRUE(ContractStands(use));
  EXPECT_THAT(OpenFields(use.requests(0), use), ElementsAre("a.x"));
}

TEST(SubjectRequestTest, TheOldestThatIsClosedForGoodGivesWay) {
  SubjectUse use;
  for (int i = 0; i < kMaxRequests; ++i) ASSERT_TRUE(AddRequest(NewRequest({"a.x"}), &use));
  SubjectUse full = use;
  EXPECT_FALSE(AddRequest(NewRequest({"a.x"}), &full));
  AddRefusal(NewRefusal({"a.x"}, kContract), use.mutable_requests(2));
  full = use;
  EXPECT_FALSE(AddRequest(NewRequest({"a.x"}), &full)) << "that one may be open again";
  MarkDone({"a.x"}, 1, use.mutable_requests(5));
  use.mutable_requests(9)->set_withdraw_micros(1);
  const std::string fifth = use.requests(5).id();
  const std::string ninth = use.requests(9).id();
  ASSERT_TRUE(AddRequest(NewRequest({"a.new"}), &use));
  EXPECT_EQ(use.requests_size(), kMaxRequests);
  EXPECT_EQ(FindRequest(&use, fifth), nullptr);
  EXPECT_NE(FindRequest(&use, ninth), nullptr);
  EXPECT_EQ(use.requests(kMaxRequests - 1).fields(0), "a.new");
  ASSERT_TRUE(AddRequest(NewRequest({"a.newer"}), &use));
  EXPECT_EQ(FindRequest(&use, ninth), nullptr);
}

TEST(SubjectRequestTest, AllOfThemAreBoundedInBytes) {
  SubjectUse use;
  const std::vector<std::string> many(kMaxRequestFields, std::string(30, 'f'));
  ASSERT_TRUE(AddRequest(NewRequest(many), &use));
  EXPECT_TRUE(RequestsFit(use));
  SubjectUse full = use;
  EXPECT_FALSE(AddRequest(NewRequest(many), &full) && AddRequest(NewRequest(many), &full));
  EXPECT_FALSE(RequestsFit(full));
  use.mutable_requests(0)->set_withdraw_micros(1);
  ASSERT_TRUE(AddRequest(NewRequest(many), &use));
  ASSERT_TRUE(AddRequest(NewRequest({"a.x"}), &use));
  EXPECT_LE(use.requests_size(), 3);
}

TEST(SubjectRequestTest, OpenFieldsOfThoseThatFreezeAreFrozen) {
  SubjectUse use;
  ASSERT_TRUE(AddRequest(NewRequest({"a.x", "a.y"}, true), &use));
  ASSERT_TRUE(AddRequest(NewRequest({"a.z"}), &use));
  ASSERT_TRUE(AddRequest(NewRequest({"a.y"}, true), &use));
  EXPECT_THAT(FrozenFields(use), ElementsAre("a.x", "a.y"));
  MarkDone({"a.y"}, 1, use.mutable_requests(0));
  EXPECT_THAT(FrozenFields(use), ElementsAre("a.x", "a.y")) << "the other request freezes it still";
  MarkDone({"a.y"}, 1, use.mutable_requests(2));
  EXPECT_THAT(FrozenFields(use), ElementsAre("a.x"));
  AddRefusal(NewRefusal({"a.x"}, kDuty), use.mutable_requests(0));
  EXPECT_THAT(FrozenFields(use), IsEmpty());
}

// What was last said of a field.
enum class Said { kNothing, kDone, kRefusedForGood, kRefusedForContract };

TEST(SubjectRequestTest, AgreesWithAPlainAccount) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    const auto pick = [&random](int below) {
      return std::uniform_int_distribution<int>(0, below - 1)(random);
    };
    std::map<std::string, Said> account;
    std::vector<std::string> fields;
    for (int i = pick(6); i >= 0; --i) fields.push_back("a.f" + std::to_string(i));
    for (const std::string& field : fields) account[field] = Said::kNothing;
    SubjectRequestRow row = NewRequest(fields, true);
    SubjectUse use;
    for (int step = 0; step < 40; ++step) {
      const std::string field = fields[static_cast<size_t>(pick(static_cast<int>(fields.size())))];
      Said& said = account[field];
      switch (pick(4)) {
        case 0:
          if (said == Said::kDone) break;
          said = pick(2) == 0 ? Said::kRefusedForGood : Said::kRefusedForContract;
          AddRefusal(NewRefusal({field}, said == Said::kRefusedForGood ? kDuty : kContract), &row);
          break;
        case 1: {
          const bool open =
              said == Said::kNothing || (said == Said::kRefusedForContract && !ContractStands(use));
          if (!open) break;
          said = Said::kDone;
          MarkDone({field}, step, &row);
          break;
        }
        case 2:
          use.clear_requests();
          ASSERT_TRUE(pick(2) == 0 || AddRequest(Termination(), &use));
          break;
        default:
          use.set_contract_ended(pick(2) == 0);
      }
      const bool stands = !use.contract_ended() && use.requests().empty();
      std::vector<std::string_view> open;
      size_t done = 0;
      for (const std::string& one : fields) {
        const Said now = account[one];
        done += now == Said::kDone ? 1 : 0;
        if (now == Said::kNothing || (now == Said::kRefusedForContract && !stands)) {
          open.push_back(one);
        }
      }
      ASSERT_EQ(OpenFields(row, use), open) << "seed " << seed << " step " << step;
      const RequestState expected = !open.empty()           ? RequestState::kOpen
                                    : done == 0             ? RequestState::kRefused
                                    : done == fields.size() ? RequestState::kCompleted
                                                            : RequestState::kPartlyRefused;
      ASSERT_EQ(StateOf(row, use), expected) << "seed " << seed << " step " << step;
      // No field stands in two refusals, and none is empty.
      std::vector<std::string> refused;
      for (const auto& refusal : row.refusals()) {
        ASSERT_FALSE(refusal.fields().empty());
        refused.insert(refused.end(), refusal.fields().begin(), refusal.fields().end());
      }
      std::sort(refused.begin(), refused.end());
      ASSERT_EQ(std::adjacent_find(refused.begin(), refused.end()), refused.end());
    }
  }
}

}  // namespace
}  // namespace piivault::vault
