#include "vault/service/counted_calls.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "vault/service/method_table.h"

namespace piivault::vault {
namespace {

using authz::Reason;
using storage::v1::EntryBody;

EntryBody Body(const std::string& principal, const std::string& purpose = "order") {
  EntryBody body;
  body.set_time_micros(1);
  body.set_principal(principal);
  body.set_method("Service/Method");
  body.set_tenant("tenants/t");
  body.set_purpose(purpose);
  body.set_decision(storage::v1::DECISION_DENIED);
  body.set_reason("ROLE_NOT_GRANTED");
  body.set_certificate_sha256(std::string(32, 'c'));
  return body;
}

MethodInfo Method(const std::string& name) {
  MethodInfo method;
  method.name = name;
  return method;
}

TEST(CountedEntryTest, SaysWhatAllOfThemHaveInCommon) {
  CountedEntry entry;
  entry.Add(Body("principals/sato", "order"));
  entry.Add(Body("principals/sato", "order"));
  EXPECT_EQ(entry.body().purpose(), "order");
  EntryBody other = Body("principals/sato", "support");
  other.set_single_operator(true);
  entry.Add(other);
  entry.Add(Body("principals/sato", "order"));
  const EntryBody body = entry.Finish(absl::FromUnixMicros(77));
  EXPECT_EQ(body.count(), 4u);
  EXPECT_EQ(body.time_micros(), 77);
  EXPECT_EQ(body.purpose(), "") << "not every call was for it";
  EXPECT_FALSE(body.single_operator());
  EXPECT_EQ(body.principal(), "principals/sato");
  EXPECT_EQ(body.tenant(), "tenants/t");
  EXPECT_EQ(body.decision(), storage::v1::DECISION_DENIED);
  EXPECT_EQ(body.reason(), "ROLE_NOT_GRANTED");
  EXPECT_EQ(body.certificate_sha256(), std::string(32, 'c'));
}

TEST(CountedEntryTest, AddsUpCounts) {
  EntryBody seven = Body("");
  seven.set_count(7);
  CountedEntry entry;
  entry.Add(seven);
  entry.Add(Body(""));
  entry.Add(seven);
  EXPECT_EQ(entry.count(), 15u);
}

TEST(CountedEntryTest, ListsItemsOnceAndNotWithoutEnd) {
  CountedEntry entry;
  for (int i = 0; i < 3000; ++i) {
    EntryBody body = Body("principals/sato");
    body.add_items()->set_subject_ref(absl::StrCat("subject ", i / 2));
    entry.Add(body);
  }
  EXPECT_EQ(entry.count(), 3000u);
  EXPECT_EQ(entry.body().items_size(), CountedEntry::kMaxItems);
  EXPECT_EQ(entry.body().items(1).subject_ref(), "subject 1");

  CountedEntry large;
  for (int i = 0; i < 100; ++i) {
    EntryBody body = Body("principals/sato");
    body.add_items()->add_denied_fields(std::string(5000, static_cast<char>('A' + i % 50)) +
                                        absl::StrCat(i));
    large.Add(body);
  }
  EXPECT_EQ(large.count(), 100u);
  EXPECT_LE(large.body().ByteSizeLong(), CountedEntry::kMaxItemBytes + 1000);
  EXPECT_GT(large.body().items_size(), 5);
}

class CountedCallsTest : public testing::Test {
 protected:
  // Whether one more refusal is held.
  bool Refuse(CountedCalls& calls, const std::string& caller, Reason reason = Reason::kNdaMissing,
              const MethodInfo* method = nullptr, absl::Duration patience = absl::Hours(1)) {
    storage::EntryDraft entry;
    entry.body = Body(absl::StrCat("principals/", caller)).SerializeAsString();
    return calls.Hold(caller, method == nullptr ? method_ : *method, reason, entry, {++call_, 1},
                      now_, now_ + patience);
  }
  // How many calls each batch that is due has.
  std::vector<uint64_t> Due(CountedCalls& calls) {
    std::vector<uint64_t> counts;
    for (const CountedCalls::Batch& batch : calls.TakeDue(now_)) {
      EXPECT_EQ(batch.held.size(), batch.entry.count());
      counts.push_back(batch.entry.count());
    }
    std::sort(counts.begin(), counts.end());
    return counts;
  }

  const MethodInfo method_ = Method("Service/Method");
  absl::Time now_ = absl::UnixEpoch() + absl::Hours(5);
  uint64_t call_ = 0;
};

TEST_F(CountedCallsTest, FewRefusalsHaveEntriesOfTheirOwn) {
  CountedCalls calls({.burst = 3, .per_second = 2, .hold = absl::Seconds(1)});
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(Refuse(calls, "sato"));
  EXPECT_TRUE(Refuse(calls, "sato"));
  EXPECT_FALSE(Refuse(calls, "suzuki")) << "another caller's are its own";
  now_ += absl::Milliseconds(499);
  EXPECT_TRUE(Refuse(calls, "sato"));
  now_ += absl::Milliseconds(2);
  EXPECT_FALSE(Refuse(calls, "sato")) << "one was earned";
  EXPECT_TRUE(Refuse(calls, "sato"));
  now_ += absl::Hours(1);
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(Refuse(calls, "sato")) << "and no more than the burst";
  EXPECT_TRUE(Refuse(calls, "sato"));
}

TEST_F(CountedCallsTest, BatchesAreDueAfterTheHoldAndWhole) {
  CountedCalls calls({.burst = 0, .per_second = 0, .hold = absl::Seconds(1)});
  EXPECT_TRUE(calls.empty());
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(Refuse(calls, "sato"));
  now_ += absl::Milliseconds(999);
  EXPECT_TRUE(Refuse(calls, "sato"));
  EXPECT_TRUE(Due(calls).empty());
  now_ += absl::Milliseconds(1);
  EXPECT_EQ(Due(calls), std::vector<uint64_t>{6});
  EXPECT_TRUE(calls.empty());
  EXPECT_TRUE(Refuse(calls, "sato"));
  EXPECT_TRUE(Due(calls).empty()) << "a new one, with its own time";
}

TEST_F(CountedCallsTest, AShortDeadlineMakesItDueEarlierButNotAtOnce) {
  CountedCalls calls({.burst = 0, .per_second = 0, .hold = absl::Seconds(1)});
  EXPECT_TRUE(Refuse(calls, "sato"));
  EXPECT_TRUE(Refuse(calls, "sato", Reason::kNdaMissing, nullptr, absl::Milliseconds(600)));
  now_ += absl::Milliseconds(299);
  EXPECT_TRUE(Due(calls).empty());
  now_ += absl::Milliseconds(1);
  EXPECT_EQ(Due(calls), std::vector<uint64_t>{2});
  EXPECT_TRUE(Refuse(calls, "sato", Reason::kNdaMissing, nullptr, absl::Milliseconds(1)));
  now_ += CountedCalls::kShortestHold - absl::Milliseconds(1);
  EXPECT_TRUE(Due(calls).empty()) << "deadlines are the caller's to choose, the log is not";
  now_ += absl::Milliseconds(1);
  EXPECT_EQ(Due(calls), std::vector<uint64_t>{1});
}

TEST_F(CountedCallsTest, CallersReasonsAndMethodsDoNotMix) {
  const MethodInfo other = Method("Service/Other");
  CountedCalls calls({.burst = 0, .per_second = 0, .hold = absl::ZeroDuration()});
  EXPECT_TRUE(Refuse(calls, "sato"));
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(Refuse(calls, "suzuki"));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(Refuse(calls, "sato", Reason::kNdaExpired));
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(Refuse(calls, "sato", Reason::kNdaMissing, &other));
  now_ += absl::Seconds(1);
  EXPECT_EQ(Due(calls), (std::vector<uint64_t>{1, 2, 3, 4}));
}

TEST_F(CountedCallsTest, ManyMethodsOfOneCallerEndInOneEntryForEachReason) {
  std::vector<MethodInfo> methods(50);
  CountedCalls calls({.burst = 0, .per_second = 0, .hold = absl::ZeroDuration()});
  for (const MethodInfo& method : methods) {
    EXPECT_TRUE(Refuse(calls, "sato", Reason::kNdaMissing, &method));
    EXPECT_TRUE(Refuse(calls, "sato", Reason::kMalformedRequest, &method));
  }
  now_ += absl::Seconds(1);
  const std::vector<uint64_t> counts = Due(calls);
  EXPECT_EQ(counts.size(), CountedCalls::kGroupsPerCaller + 2u);
  uint64_t sum = 0;
  for (uint64_t count : counts) sum += count;
  EXPECT_EQ(sum, 100u);
  // Those that are written make room.
  EXPECT_TRUE(Refuse(calls, "sato"));
  EXPECT_TRUE(Refuse(calls, "sato", Reason::kNdaMissing, &methods[0]));
  now_ += absl::Seconds(1);
  EXPECT_EQ(Due(calls), (std::vector<uint64_t>{1, 1}));
}

TEST_F(CountedCallsTest, CallersWithoutEndShareWhatIsLeft) {
  CountedCalls calls({.burst = 1, .per_second = 1, .hold = absl::Seconds(1)});
  for (size_t i = 0; i < CountedCalls::kMaxCallers; ++i) {
    EXPECT_FALSE(Refuse(calls, absl::StrCat("caller-", i)));
  }
  EXPECT_FALSE(Refuse(calls, "one-more"));
  EXPECT_TRUE(Refuse(calls, "two-more"));
  EXPECT_TRUE(Refuse(calls, "three-more"));
  EXPECT_TRUE(Refuse(calls, "caller-7")) << "who was there before is not among them";
  now_ += absl::Seconds(1);
  EXPECT_EQ(Due(calls), (std::vector<uint64_t>{1, 2}));
  EXPECT_FALSE(Refuse(calls, "four-more")) << "those with a full bucket are forgotten";
  EXPECT_FALSE(Refuse(calls, "five-more"));
}

TEST_F(CountedCallsTest, AnEntryThatCannotBeReadIsNotHeld) {
  CountedCalls calls({.burst = 0, .per_second = 0});
  storage::EntryDraft entry;
  entry.body = "no body";
  EXPECT_FALSE(calls.Hold("sato", method_, Reason::kNdaMissing, entry, {1, 1}, now_,
                          absl::InfiniteFuture()));
  EXPECT_TRUE(calls.empty());
}

TEST_F(CountedCallsTest, CountsAreByReasonAndApartFromWhatIsHeld) {
  CountedCalls calls({.burst = 0, .per_second = 0, .hold = absl::Seconds(1)});
  EntryBody body;
  calls.Count(Reason::kQueueFull, body, now_);
  body.set_count(5);
  calls.Count(Reason::kQueueFull, body, now_);
  calls.Count(Reason::kLogUnavailable, body, now_);
  EXPECT_TRUE(Refuse(calls, "", Reason::kQueueFull));
  EXPECT_TRUE(calls.TakeDue(now_).empty());
  std::map<std::pair<Reason, size_t>, uint64_t> counts;
  for (const CountedCalls::Batch& batch : calls.TakeDue(absl::InfiniteFuture())) {
    counts[{batch.reason, batch.held.size()}] += batch.entry.count();
  }
  EXPECT_EQ(counts,
            (std::map<std::pair<Reason, size_t>, uint64_t>{{{Reason::kQueueFull, 0}, 6},
                                                           {{Reason::kLogUnavailable, 0}, 5},
                                                           {{Reason::kQueueFull, 1}, 1}}));
}

}  // namespace
}  // namespace piivault::vault
