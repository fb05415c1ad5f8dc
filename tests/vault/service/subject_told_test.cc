// UpdateSubject, OpenMatter and UpdateMatter: contracts, events and types that periods of storage
// are counted from.
#include <string>
#include <vector>

#include "tests/vault/service/told_testing.h"

namespace piivault::vault {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class SubjectToldTest : public ToldTestBase {};

TEST_F(SubjectToldTest, AContractEndsWhenItIsFirstSaidToHaveEnded) {
  const std::string person = PersonOf(NewFullRecord());
  const Result ended = SetContract(person, false);
  ASSERT_EQ(ended.name(), "OK");
  const int64_t end = Now();
  EXPECT_EQ(UseOf(person).contract_end_micros(), end);
  EXPECT_EQ(ended.As<v1::UpdateSubjectResponse>().contract_end_time().seconds(), end / 1'000'000);

  Wait(absl::Hours(1));
  const uint64_t version = vault_.RowOf(person).version();
  const Result again = SetContract(person, false);
  EXPECT_EQ(again.As<v1::UpdateSubjectResponse>().contract_end_time().seconds(), end / 1'000'000);
  EXPECT_EQ(vault_.RowOf(person).version(), version);

  const Result active = SetContract(person, true);
  EXPECT_FALSE(active.As<v1::UpdateSubjectResponse>().has_contract_end_time());
  EXPECT_EQ(UseOf(person).contract_end_micros(), 0);
  Wait(absl::Hours(1));
  ASSERT_EQ(SetContract(person, false).name(), "OK");
  EXPECT_EQ(UseOf(person).contract_end_micros(), Now());
}

TEST_F(SubjectToldTest, OfAContractThatEndedBeforeTimesWereKeptNobodyKnowsWhen) {
  const std::string person = PersonOf(NewFullRecord());
  vault_.ChangeRow(person, [](storage::v1::SubjectUse& use) { use.set_contract_ended(true); });
  const Result again = SetContract(person, false);
  ASSERT_EQ(again.name(), "OK");
  EXPECT_FALSE(again.As<v1::UpdateSubjectResponse>().contract_active());
  EXPECT_FALSE(again.As<v1::UpdateSubjectResponse>().has_contract_end_time());
  EXPECT_EQ(UseOf(person).contract_end_micros(), 0);
}

// Of a matter the first telling stands; of a person it is told again, for what came since.
TEST_F(SubjectToldTest, AnEventIsToldOnceOfAMatterAndAgainOfAPerson) {
  const std::string person = PersonOf(NewFullRecord());
  ASSERT_EQ(Open(person, "order", "O-1").name(), "OK");
  ASSERT_EQ(Open(kTenant, "commission", "K-1").name(), "OK");
  const absl::Time start = vault_.now;
  Result told = TellPerson(person, {"settled"});
  EXPECT_EQ(ArgumentOf(told, "events"), "settled");
  EXPECT_EQ(MatterOf(Update(person, "order", "O-1", Events({"settled"}))).events_size(), 1);
  EXPECT_EQ(MatterOf(Update(kTenant, "commission", "K-1", Events({"settled"}))).events_size(), 1);

  Wait(absl::Seconds(5));
  const std::vector<std::string> both = {"supplied", "settled"};
  const auto expected = ElementsAre("settled 0", "supplied 5");
  told = TellPerson(person, both);
  EXPECT_THAT(Told(told.As<v1::UpdateSubjectResponse>().events(), start),
              ElementsAre("settled 0", "supplied 5", "settled 5"));
  EXPECT_EQ(ArgumentOf(told, "events"), "supplied,settled");
  told = Update(person, "order", "O-1", Events(both));
  EXPECT_THAT(Told(MatterOf(told).events(), start), expected);
  EXPECT_EQ(ArgumentOf(told, "events"), "supplied,settled");
  told = Update(kTenant, "commission", "K-1", Events(both));
  EXPECT_THAT(Told(MatterOf(told).events(), start), expected);
  EXPECT_EQ(ArgumentOf(told, "events"), "supplied,settled");

  // What was told before writes nothing.
  const uint64_t version = vault_.RowOf(person).version();
  ASSERT_EQ(Update(person, "order", "O-1", Events(both)).name(), "OK");
  EXPECT_EQ(vault_.RowOf(person).version(), version);
  ASSERT_TRUE(vault_.store().Reload().ok());
  v1::ListMattersRequest list;
  for (const std::string& parent : {person, std::string(kTenant)}) {
    list.set_parent(parent);
    const Result listed = vault_.Call("shop", "ListMatters", list);
    ASSERT_EQ(listed.name(), "OK");
    EXPECT_THAT(Told(listed.As<v1::ListMattersResponse>().matters(0).events(), start), expected);
  }
}

TEST_F(SubjectToldTest, AnEventIsOneThatIsToldAndThatARuleCountsFrom) {
  const std::string person = PersonOf(NewFullRecord());
  ASSERT_EQ(Open(person, "order", "O-1").name(), "OK");
  const auto refused = [&](const std::vector<std::string>& events) {
    const Result result = TellPerson(person, events);
    const std::string refusal = Refusal(result);
    EXPECT_EQ(ArgumentOf(result, "events"), "");
    EXPECT_EQ(Refusal(Update(person, "order", "O-1", Events(events))), refusal);
    return refusal;
  };
  // What nobody has heard of, what the vault sees itself, what no rule of this policy counts from.
  for (const char* event : {"", "rained", "case_closed", "account_deleted", "payment_received"}) {
    EXPECT_EQ(refused({"settled", event}), "MALFORMED_REQUEST events") << event;
  }
  EXPECT_EQ(refused({"settled", "settled"}), "MALFORMED_REQUEST events");
  EXPECT_EQ(refused(std::vector<std::string>(9, "settled")), "BATCH_TOO_LARGE events");
  EXPECT_THAT(UseOf(person).events(), IsEmpty());
  EXPECT_THAT(UseOf(person).matters(0).events(), IsEmpty());
  // A rule may leave the end to its operator.
  EXPECT_EQ(TellPerson(person, {"goods_supplied"}).name(), "OK");
}

TEST_F(SubjectToldTest, AMatterIsOfATypeOfThePolicyTheFirstByDefault) {
  const std::string person = PersonOf(NewFullRecord());
  const auto type_of = [](const Result& result) {
    return result.ok() ? result.As<v1::OpenMatterResponse>().matter().type() : Refusal(result);
  };
  const Result first = Open(person, "consultation", "C-1");
  EXPECT_EQ(type_of(first), "inquiry");
  EXPECT_EQ(ArgumentOf(first, "matter.type"), "inquiry");
  EXPECT_EQ(ArgumentOf(first, "matter.state"), "open");
  EXPECT_EQ(type_of(Open(person, "consultation", "C-2", "dispute")), "dispute");
  EXPECT_EQ(type_of(Open(kTenant, "commission", "K-1", "large")), "large");
  const Result unknown = Open(person, "consultation", "C-3", "quarrel");
  EXPECT_EQ(type_of(unknown), "MALFORMED_REQUEST matter.type");
  EXPECT_EQ(ArgumentOf(unknown, "matter.type"), "");
  // A kind without types has none.
  const Result none = Open(person, "order", "O-1");
  EXPECT_EQ(type_of(none), "");
  EXPECT_EQ(none.entry.arguments().count("matter.type"), 0u);
  EXPECT_EQ(type_of(Open(person, "order", "O-2", "inquiry")), "MALFORMED_REQUEST matter.type");
  EXPECT_EQ(Refusal(Update(person, "order", "O-1", Type("inquiry"))), "MALFORMED_REQUEST type");
  EXPECT_EQ(Refusal(Update(person, "consultation", "C-1", Type("quarrel"))),
            "MALFORMED_REQUEST type");
  EXPECT_THAT(UseOf(person).matters(), SizeIs(3));
}

// 001-27
TEST_F(SubjectToldTest, NoDisputeBecomesAnInquiry) {
  const std::string person = PersonOf(NewFullRecord());
  ASSERT_EQ(Open(person, "consultation", "C-1").name(), "OK");
  const auto become = [&](const std::string& type) {
    return Refusal(Update(person, "consultation", "C-1", Type(type)));
  };
  EXPECT_EQ(become("complaint"), "OK ");
  EXPECT_EQ(become("inquiry"), "MALFORMED_REQUEST type");
  const Result dispute = Update(person, "consultation", "C-1", Type("dispute"));
  EXPECT_EQ(MatterOf(dispute).type(), "dispute");
  EXPECT_EQ(ArgumentOf(dispute, "matter.type"), "dispute");
  EXPECT_EQ(become("dispute"), "OK ");
  EXPECT_EQ(become("complaint"), "MALFORMED_REQUEST type");
  // Nothing else of a call that asks for it is done.
  const Result back = Update(person, "consultation", "C-1", [](auto& r) {
    r.set_type("inquiry");
    r.set_state("closed");
  });
  EXPECT_EQ(Refusal(back), "MALFORMED_REQUEST type");
  EXPECT_EQ(UseOf(person).matters(0).state(), "open");
  // Whatever a later policy's order is.
  vault_.SetPolicy("default", PolicyWith("types: [dispute, inquiry]"));
  EXPECT_EQ(become("inquiry"), "MALFORMED_REQUEST type");
  vault_.SetPolicy("default", PolicyWith("types: [inquiry]"));
  EXPECT_EQ(become("inquiry"), "MALFORMED_REQUEST type");
  EXPECT_EQ(UseOf(person).matters(0).type(), "dispute");
}

TEST_F(SubjectToldTest, NoMatterBecomesOfATypeThatStandsBefore) {
  ASSERT_EQ(Open(kTenant, "commission", "K-1").name(), "OK");
  const auto become = [&](const std::string& type) {
    return Refusal(Update(kTenant, "commission", "K-1", Type(type)));
  };
  EXPECT_EQ(become("small"), "OK ");
  EXPECT_EQ(become("large"), "OK ");
  EXPECT_EQ(become("small"), "MALFORMED_REQUEST type");
}

TEST_F(SubjectToldTest, AMatterOfBeforeThereWereTypesMayBeOfAny) {
  const std::string person = PersonOf(NewFullRecord());
  vault_.SetPolicy("default", PolicyWith(""));
  ASSERT_EQ(Open(person, "consultation", "C-1").name(), "OK");
  EXPECT_EQ(UseOf(person).matters(0).type(), "");
  vault_.SetPolicy("default", PolicyWith(kTypes));
  EXPECT_EQ(Update(person, "consultation", "C-1", Type("inquiry")).name(), "OK");
  EXPECT_EQ(Update(person, "consultation", "C-1", Type("complaint")).name(), "OK");
}

TEST_F(SubjectToldTest, AnUpdateAsksForSomethingAndLeavesTheRest) {
  const std::string record = NewFullRecord();
  const std::string person = PersonOf(record);
  ASSERT_EQ(Open(person, "consultation", "C-1").name(), "OK");
  EXPECT_EQ(Refusal(Update(person, "consultation", "C-1", [](auto&) {})),
            "MALFORMED_REQUEST state");
  Wait(absl::Minutes(1));
  const Result closed = Update(person, "consultation", "C-1", State("closed"));
  EXPECT_EQ(ArgumentOf(closed, "matter.state"), "closed");
  const int64_t close = Now();
  // It was closed when it was closed, whatever else is said of it later.
  Wait(absl::Minutes(1));
  EXPECT_EQ(Refusal(Update(person, "consultation", "C-1", Records({record}))),
            "MALFORMED_REQUEST add_records");
  for (const Change& change : {Type("complaint"), Events({"settled"})}) {
    const Result changed = Update(person, "consultation", "C-1", change);
    ASSERT_EQ(changed.name(), "OK");
    EXPECT_EQ(MatterOf(changed).state(), "closed");
    EXPECT_EQ(MatterOf(changed).update_time().seconds(), close / 1'000'000);
    EXPECT_EQ(ArgumentOf(changed, "matter.state"), "");
  }
  EXPECT_EQ(UseOf(person).matters(0).update_micros(), close);
  EXPECT_EQ(MatterOf(Update(person, "consultation", "C-1", State("closed"))).type(), "complaint");
}

// What the methods write is what periods are counted from.

// 001-20
TEST_F(SubjectToldTest, WhatWasSuppliedIsKeptUntilAllThreeAreTold) {
  const std::string record = NewFullRecord();
  const std::string person = PersonOf(record);
  ASSERT_EQ(Open(person, "order", "O-1", "", {record}).name(), "OK");
  ASSERT_EQ(Open(person, "order", "O-2", "", {record}).name(), "OK");
  for (const char* event : {"supplied", "settled", "liability_ended"}) {
    EXPECT_EQ(Reveal(record, "supply"), "OK") << event;
    ASSERT_EQ(Update(person, "order", "O-1", Events({event})).name(), "OK");
  }
  // Each of its orders counts.
  EXPECT_EQ(Reveal(record, "supply"), "OK");
  const std::vector<std::string> all = {"supplied", "settled", "liability_ended"};
  ASSERT_EQ(Update(person, "order", "O-2", Events(all)).name(), "OK");
  EXPECT_EQ(Reveal(record, "supply"), "RETENTION_OVER");
  EXPECT_EQ(Reveal(record, "name"), "OK");
  // What is told of the person is of all records.
  const std::string other = NewFullRecord(person);
  EXPECT_EQ(Reveal(other, "supply"), "OK");
  ASSERT_EQ(TellPerson(person, all).name(), "OK");
  EXPECT_EQ(Reveal(other, "supply"), "RETENTION_OVER");
}

// 001-26, 001-27
TEST_F(SubjectToldTest, ATalkGoesWhenItsCaseIsClosedAndADisputeThreeYearsLater) {
  const std::string plain = NewFullRecord();
  const std::string person = PersonOf(plain);
  const std::string disputed = NewFullRecord(person);
  ASSERT_EQ(Open(person, "consultation", "C-1", "", {plain}).name(), "OK");
  ASSERT_EQ(Open(person, "consultation", "C-2", "", {disputed}).name(), "OK");
  ASSERT_EQ(Update(person, "consultation", "C-2", Type("dispute")).name(), "OK");
  for (const char* field : {"talk", "dispute"}) EXPECT_EQ(Reveal(plain, field), "OK");
  vault_.now = InTokyo(2026, 2, 28, 12, 0, 0);
  ASSERT_EQ(Update(person, "consultation", "C-1", State("closed")).name(), "OK");
  ASSERT_EQ(Update(person, "consultation", "C-2", State("closed")).name(), "OK");
  for (const char* field : {"talk", "dispute"}) EXPECT_EQ(Reveal(plain, field), "RETENTION_OVER");
  EXPECT_EQ(Reveal(disputed, "talk"), "RETENTION_OVER");
  EXPECT_EQ(Reveal(disputed, "dispute"), "KEPT_BY_LAW");
  vault_.now = InTokyo(2029, 2, 28, 23, 59, 59);
  EXPECT_EQ(Reveal(disputed, "dispute"), "KEPT_BY_LAW");
  vault_.now += absl::Seconds(1);
  EXPECT_EQ(Reveal(disputed, "dispute"), "RETENTION_OVER");
}

// 004-46
TEST_F(SubjectToldTest, PeriodsCountFromTheEndOfTheContract) {
  const std::string record = NewFullRecord();
  const std::string person = PersonOf(record);
  vault_.now = InTokyo(2026, 3, 31, 12, 0, 0);
  ASSERT_EQ(SetContract(person, false).name(), "OK");
  Wait(absl::Hours(24 * 30));
  ASSERT_EQ(SetContract(person, false).name(), "OK");
  EXPECT_EQ(Reveal(record, "name"), "RETENTION_OVER");
  EXPECT_EQ(Reveal(record, "payment"), "OK");
  vault_.now = InTokyo(2033, 3, 31, 23, 59, 59);
  EXPECT_EQ(Reveal(record, "payment"), "OK");
  vault_.now += absl::Seconds(1);
  EXPECT_EQ(Reveal(record, "payment"), "RETENTION_OVER");
  // A contract that lasts again ends nothing.
  ASSERT_EQ(SetContract(person, true).name(), "OK");
  EXPECT_EQ(Reveal(record, "payment"), "OK");
}

}  // namespace
}  // namespace piivault::vault
