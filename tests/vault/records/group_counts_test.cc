#include "vault/records/group_counts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace piivault::vault {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Values = std::vector<std::string>;
using Shown = std::pair<Values, int64_t>;

storage::Id128 Person(int number) {
  storage::Id128 id;
  id.bytes.fill(0);
  for (size_t i = 0; i < 4; ++i) id.bytes[3 - i] = static_cast<uint8_t>(number >> (8 * i));
  return id;
}

GroupLabel Label(const Values& values) {
  GroupLabel label;
  for (const std::string& value : values) label.push_back(SecretBytes::CopyOf(value));
  return label;
}

struct Said {
  std::vector<Shown> groups;
  int64_t others = 0;
};

Said Say(const GroupCounts& counts, uint32_t min_group, uint32_t round_to) {
  authz::AggregateRules rules;
  rules.min_group = min_group;
  rules.round_to = round_to;
  const GroupSummary summary = counts.Summarize(rules);
  Said said;
  said.others = summary.other_persons;
  for (const GroupSummary::Group& group : summary.groups) {
    Values values;
    for (const SecretBytes& value : *group.label) values.emplace_back(value.view());
    said.groups.emplace_back(values, group.persons);
  }
  return said;
}

// `count` new persons, from `*next` on, each in the group alone.
void AddPeople(GroupCounts& counts, int count, const Values& group, int* next) {
  for (int i = 0; i < count; ++i) ASSERT_TRUE(counts.Add(Person((*next)++), Label(group)));
}

TEST(GroupCountsTest, APersonCountsOnceInAGroup) {
  GroupCounts counts;
  for (int person = 1; person <= 3; ++person) {
    for (const char* group : {"a", "b", "a", "a"}) {
      ASSERT_TRUE(counts.Add(Person(person), Label({group})));
    }
  }
  const Said said = Say(counts, 2, 1);
  EXPECT_THAT(said.groups, ElementsAre(Shown{{"a"}, 3}, Shown{{"b"}, 3}));
  EXPECT_EQ(said.others, 0);
}

TEST(GroupCountsTest, SmallGroupsAreShownAsOneNumberIfThatIsLarge) {
  GroupCounts counts;
  int next = 1;
  AddPeople(counts, 30, {"large"}, &next);
  AddPeople(counts, 9, {"small"}, &next);
  AddPeople(counts, 8, {"smaller"}, &next);
  Said said = Say(counts, 10, 1);
  EXPECT_THAT(said.groups, ElementsAre(Shown{{"large"}, 30}));
  EXPECT_EQ(said.others, 17);
  said = Say(counts, 18, 1);
  EXPECT_EQ(said.others, 0);  // 17 are too few.
}

TEST(GroupCountsTest, OneGroupIsNeverLeftOutAlone) {
  GroupCounts counts;
  int next = 1;
  AddPeople(counts, 30, {"a"}, &next);
  AddPeople(counts, 20, {"b"}, &next);
  AddPeople(counts, 3, {"c"}, &next);
  const Said said = Say(counts, 10, 1);
  EXPECT_THAT(said.groups, ElementsAre(Shown{{"a"}, 30}));
  EXPECT_EQ(said.others, 23);
  GroupCounts alone;
  AddPeople(alone, 3, {"c"}, &next);
  EXPECT_THAT(Say(alone, 10, 1).groups, IsEmpty());
  EXPECT_EQ(Say(alone, 10, 1).others, 0);
}

TEST(GroupCountsTest, OthersAreNotCountedTwice) {
  GroupCounts counts;
  // Five people in twenty groups of five.
  for (int person = 1; person <= 5; ++person) {
    for (int group = 0; group < 20; ++group) {
      ASSERT_TRUE(counts.Add(Person(person), Label({std::to_string(group)})));
    }
  }
  const Said said = Say(counts, 10, 1);
  EXPECT_THAT(said.groups, IsEmpty());
  EXPECT_EQ(said.others, 0);
}

TEST(GroupCountsTest, NumbersAreRoundedDownSoThatOnePersonDoesNotShow) {
  GroupCounts counts;
  int next = 1;
  AddPeople(counts, 21, {"a"}, &next);
  AddPeople(counts, 36, {"b"}, &next);
  const Said before = Say(counts, 10, 5);
  EXPECT_THAT(before.groups, ElementsAre(Shown{{"a"}, 20}, Shown{{"b"}, 35}));
  AddPeople(counts, 1, {"a"}, &next);
  EXPECT_EQ(Say(counts, 10, 5).groups, before.groups);
}

TEST(GroupCountsTest, LabelsOfTwoFieldsAreNotMixedUp) {
  GroupCounts counts;
  int next = 1;
  AddPeople(counts, 2, {"ab", "c"}, &next);
  AddPeople(counts, 2, {"a", "bc"}, &next);
  AddPeople(counts, 2, {"", "abc"}, &next);
  EXPECT_THAT(Say(counts, 2, 1).groups,
              ElementsAre(Shown{{"", "abc"}, 2}, Shown{{"a", "bc"}, 2}, Shown{{"ab", "c"}, 2}));
}

TEST(GroupCountsTest, AStepCanBeTakenBack) {
  GroupCounts counts;
  ASSERT_TRUE(counts.Add(Person(1), Label({"a"})));
  counts.Commit();
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(counts.Add(Person(1), Label({"b"})));
    ASSERT_TRUE(counts.Add(Person(2), Label({"a"})));
    ASSERT_TRUE(counts.Add(Person(2), Label({"c"})));
    EXPECT_THAT(Say(counts, 1, 1).groups,
                ElementsAre(Shown{{"a"}, 2}, Shown{{"b"}, 1}, Shown{{"c"}, 1}));
    counts.Rollback();
    EXPECT_THAT(Say(counts, 1, 1).groups, ElementsAre(Shown{{"a"}, 1}));
  }
  // It is known still who was counted last.
  ASSERT_TRUE(counts.Add(Person(1), Label({"a"})));
  EXPECT_THAT(Say(counts, 1, 1).groups, ElementsAre(Shown{{"a"}, 1}));
}

TEST(GroupCountsTest, NumberAndSizeOfGroupsAreBounded) {
  GroupCounts counts;
  for (size_t i = 0; i < GroupCounts::kMaxGroups; ++i) {
    ASSERT_TRUE(counts.Add(Person(1), Label({std::to_string(i)})));
  }
  EXPECT_TRUE(counts.Add(Person(2), Label({"17"})));
  EXPECT_FALSE(counts.Add(Person(2), Label({"another"})));
  GroupCounts large;
  const std::string megabyte(size_t{1} << 20, 'x');
  for (const char* suffix : {"1", "2", "3"}) {
    ASSERT_TRUE(large.Add(Person(1), Label({megabyte + suffix})));
  }
  EXPECT_FALSE(large.Add(Person(1), Label({megabyte + "4"})));
}

// The same by keeping everything.
class NaiveCount {
 public:
  void Add(int person, const Values& group) {
    groups_[group].insert(person);
    first_.emplace(person, group);
  }

  Said Say(int64_t min_group, int64_t round_to) const {
    std::vector<std::pair<size_t, Values>> small;
    std::vector<std::pair<size_t, Values>> large;
    for (const auto& [group, people] : groups_) {
      const bool enough = static_cast<int64_t>(people.size()) >= min_group;
      (enough ? large : small).emplace_back(people.size(), group);
    }
    std::sort(large.begin(), large.end());
    if (small.size() == 1 && !large.empty()) {
      small.push_back(large.front());
      large.erase(large.begin());
    }
    Said said;
    for (const auto& [size, group] : large) {
      said.groups.emplace_back(group, static_cast<int64_t>(size) / round_to * round_to);
    }
    std::sort(said.groups.begin(), said.groups.end());
    int64_t others = 0;
    for (const auto& [person, group] : first_) {
      for (const auto& [size, left_out] : small) others += left_out == group ? 1 : 0;
    }
    if (others >= min_group) said.others = others / round_to * round_to;
    return said;
  }

 private:
  std::map<Values, std::set<int>> groups_;
  std::map<int, Values> first_;
};

TEST(GroupCountsTest, SaysWhatANaiveCountSays) {
  std::mt19937 dice(20261122);
  const auto below = [&](int n) { return static_cast<int>(dice() % static_cast<unsigned>(n)); };
  int with_others = 0;
  for (int round = 0; round < 300; ++round) {
    GroupCounts counts;
    NaiveCount naive;
    const int people = 1 + below(120);
    const int kinds = 1 + below(12);
    for (int person = 0; person < people; ++person) {
      for (int records = 1 + below(3); records > 0; --records) {
        // Few of the late letters.
        const std::string a(1, static_cast<char>('a' + below(1 + below(kinds))));
        const std::string b =
            below(3) == 0 ? "" : std::string(1, static_cast<char>('x' + below(2)));
        if (below(20) == 0) {  // Made twice.
          ASSERT_TRUE(counts.Add(Person(person), Label({b, a})));
          counts.Rollback();
        }
        ASSERT_TRUE(counts.Add(Person(person), Label({a, b})));
        naive.Add(person, {a, b});
        counts.Commit();
      }
    }
    const int min_group = 2 + below(15);
    const int round_to = 1 + below(7);
    const Said want = naive.Say(min_group, round_to);
    const Said got = Say(counts, static_cast<uint32_t>(min_group), static_cast<uint32_t>(round_to));
    ASSERT_EQ(got.groups, want.groups) << "round " << round;
    ASSERT_EQ(got.others, want.others) << "round " << round;
    if (got.others > 0) ++with_others;
  }
  EXPECT_GT(with_others, 50);
}

}  // namespace
}  // namespace piivault::vault
