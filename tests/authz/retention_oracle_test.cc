// Periods of storage against a naive count of them, over made-up rules, records and times.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "authz/retention.h"
#include "tests/authz/call_generator.h"
#include "tests/authz/compare_decisions.h"
#include "tests/authz/naive_retention.h"

namespace piivault::authz {
namespace {

using naive::RetentionRule;
using Words = std::vector<std::string>;

constexpr absl::Time kNever = absl::InfiniteFuture();
constexpr absl::Duration kMoment = absl::Nanoseconds(1);

// With days of 23, 24, 25 and 23.5 hours, days that begin at one o'clock, clocks that are put back
// just after midnight, and a day that never was (Apia, 2011-12-30).
const Words kZones = {
    "Asia/Tokyo",        "Asia/Seoul",       "UTC",         "Europe/Berlin", "America/New_York",
    "America/Sao_Paulo", "America/St_Johns", "Asia/Beirut", "Pacific/Apia",  "Australia/Lord_Howe"};
const Words kFields = {"record.a", "record.b", "record.c"};
const Words kTriggers = {
    "contract_cancelled",   "account_deleted",    "user_withdrawn",   "purpose_complete",
    "consented_period_end", "supplied",           "settled",          "liability_ended",
    "case_closed",          "cancelled",          "value_changed",    "parent_erased",
    "instruction_ended",    "contract_concluded", "payment_received", "goods_supplied",
    "record_made"};
const Words kOften = {"record_made", "case_closed", "cancelled", "settled", "contract_concluded"};
const Words kKeeps = {"0",   "90s",  "15m", "12h", "1d", "30d", "2w",          "1mo",
                      "3mo", "13mo", "1y",  "3y",  "5y", "7y",  "unspecified", "unlimited"};
const Words kThens = {"destroy",           "destroy_irrecoverably", "block_now_then_destroy",
                      "return_or_destroy", "operator_rule",         "keep",
                      "stop_intake_now"};

struct MadeRules {
  std::vector<RetentionRule> rules;
  bool earlier_of = false;
  std::string zone;
  std::shared_ptr<const Policy> policy;
};

Words Some(Dice& dice, const Words& words, size_t at_most) {
  Words some;
  for (size_t left = 1 + dice.Below(at_most); left > 0; --left) {
    const std::string& word = dice.Pick(words);
    if (std::find(some.begin(), some.end(), word) == some.end()) some.push_back(word);
  }
  return some;
}

std::string TextOf(const MadeRules& made, const std::string& combine) {
  std::string text = absl::StrCat("policy: kept\nlaws: [LAW-1, LAW-2]\ntimezone: ", made.zone,
                                  "\ntypes: {record: {fields: {a: text, b: text, c: text}}}\n"
                                  "matters: {case: {types: [inquiry, complaint, dispute]}}\n"
                                  "roles: {r: {kind: service}}\ngrants: []\nretention_rules: {",
                                  combine, "}\nretention:\n");
  for (const RetentionRule& rule : made.rules) {
    const std::string triggers = absl::StrCat("[", absl::StrJoin(rule.triggers, ", "), "]");
    absl::StrAppend(&text, "  - {id: ", rule.id, ", fields: [", absl::StrJoin(rule.fields, ", "),
                    "], trigger: ",
                    rule.triggers.size() == 1
                        ? rule.triggers[0]
                        : absl::StrCat("{", rule.all ? "all" : "any", ": ", triggers, "}"),
                    ", keep: ", rule.keep, ", then: ", rule.then,
                    rule.hold.empty() ? "" : absl::StrCat(", hold: ", rule.hold),
                    rule.disputes_only ? ", if: case_is_complaint_or_dispute" : "", "}\n");
  }
  return text;
}

MadeRules MakeRules(Dice& dice) {
  MadeRules made;
  made.zone = dice.Pick(kZones);
  for (size_t i = 1 + dice.Below(5); i > 0; --i) {
    RetentionRule& rule = made.rules.emplace_back();
    rule.id = absl::StrCat("rule", i);
    rule.fields = Some(dice, kFields, 3);
    rule.triggers = Some(dice, dice.OneIn(2) ? kOften : kTriggers, 3);
    rule.all = rule.triggers.size() > 1 && dice.OneIn(2);
    rule.keep = dice.Pick(kKeeps);
    rule.then = dice.OneIn(2) ? "destroy" : dice.Pick(kThens);
    if (dice.OneIn(2)) rule.hold = dice.Word({"LAW-1", "LAW-2"});
    rule.disputes_only = dice.OneIn(4);
  }
  const std::string combine = dice.Word({"", "combine: later_of", "combine: earlier_of"});
  made.earlier_of = combine == "combine: earlier_of";
  PolicyText text;
  text.yaml = TextOf(made, combine);
  Diagnostics diagnostics;
  made.policy = Policy::Load(text, &diagnostics);
  EXPECT_NE(made.policy, nullptr) << text.yaml << diagnostics.ToString();
  return made;
}

// What has happened; owns what `times` borrows.
struct MadeTimes {
  RecordTimes times;
  std::vector<MatterTimes> matters;
  std::deque<std::vector<ToldEvent>> events;
};

class TimesMaker {
 public:
  TimesMaker(Dice& dice, absl::TimeZone zone) : dice_(dice), zone_(zone) {}

  std::unique_ptr<MadeTimes> Make() {
    auto made = std::make_unique<MadeTimes>();
    made->times.made = Instant();
    made->times.contract_ended = Perhaps();
    if (dice_.OneIn(3)) made->times.erased = Instant();
    made->times.events = Events(made.get());
    for (size_t i = dice_.Below(4); i > 0; --i) {
      MatterTimes& matter = made->matters.emplace_back();
      matter.of_record = dice_.OneIn(2);
      matter.of_none = !matter.of_record && dice_.OneIn(2);
      matter.disputed = dice_.OneIn(2);
      matter.closed = Perhaps();
      matter.events = Events(made.get());
    }
    made->times.matters = made->matters;
    return made;
  }

  // Often at the ends of months and days, and around where clocks are put on or back.
  absl::Time Instant() {
    const int year = 2008 + static_cast<int>(dice_.Below(12));
    const int month = 1 + static_cast<int>(dice_.Below(12));
    absl::CivilDay day(year, month, 1 + static_cast<int>(dice_.Below(28)));
    if (dice_.OneIn(3)) day = absl::CivilDay(year, month + 1, 1) - 3 + dice_.Below(4);
    const absl::CivilSecond midnight(day);
    absl::Time at = absl::FromCivil(midnight + static_cast<int>(dice_.Below(86400)), zone_);
    if (dice_.OneIn(4)) at = absl::FromCivil(midnight, zone_);
    if (dice_.OneIn(4)) at = absl::FromCivil(midnight, zone_) - absl::Seconds(1);
    absl::TimeZone::CivilTransition put;
    if (dice_.OneIn(6) && zone_.NextTransition(at, &put)) {
      at = absl::FromCivil(put.from, zone_) + absl::Minutes(dice_.Below(240)) - absl::Minutes(120);
    }
    return at;
  }

 private:
  absl::Time Perhaps() { return dice_.OneIn(3) ? kNever : Instant(); }

  absl::Span<const ToldEvent> Events(MadeTimes* made) {
    std::vector<ToldEvent>& events = made->events.emplace_back();
    for (const char* event :
         {"purpose_complete", "supplied", "settled", "liability_ended", "instruction_ended",
          "contract_concluded", "payment_received", "goods_supplied"}) {
      if (dice_.OneIn(2)) events.push_back({event, Instant()});
      if (dice_.OneIn(4)) events.push_back({event, Instant()});
    }
    return events;
  }

  Dice& dice_;
  const absl::TimeZone zone_;
};

// What came up.
using Seen = std::map<std::string, int>;

class Comparison {
 public:
  Comparison(const MadeRules& made, const RecordTimes& times, const std::string& field)
      : made_(made),
        field_(field),
        naive_(made.rules, made.earlier_of, made.policy->timezone(), times),
        found_(RetentionOf(*made.policy, made.policy->FindField(field), times)) {}

  // At the given instants and at those that were found, and the moment before each.
  void Compare(const std::vector<absl::Time>& instants, Seen* seen) const {
    for (const absl::Time at : instants) ExpectSame(at);
    for (const absl::Time at : {found_.held_until, found_.over, found_.due}) {
      if (at == kNever || at == absl::InfinitePast()) continue;
      ExpectSame(at);
      ExpectSame(at - kMoment);
    }
    ExpectHold();
    ExpectRule();
    Count(seen);
  }

 private:
  const RetentionRule& RuleOf(const std::string& id) const {
    return *std::find_if(made_.rules.begin(), made_.rules.end(),
                         [&](const RetentionRule& rule) { return rule.id == id; });
  }

  void ExpectSame(absl::Time at) const {
    const bool held = naive_.Held(field_, at);
    EXPECT_EQ(found_.HeldAt(at), held) << at;
    EXPECT_EQ(at >= found_.over, naive_.PurposeOver(field_, at)) << at;
    EXPECT_EQ(found_.DueAt(at), naive_.Due(field_, at)) << at;
    EXPECT_EQ(found_.KeptByLawAt(at), held && naive_.PurposeOver(field_, at)) << at;
  }

  void ExpectHold() const {
    const bool any =
        std::any_of(made_.rules.begin(), made_.rules.end(), [&](const RetentionRule& rule) {
          return rule.About(field_) && !rule.hold.empty() && naive_.Concerns(rule);
        });
    ASSERT_EQ(found_.hold != nullptr, any);
    if (!any) return;
    const RetentionRule& hold = RuleOf(found_.hold->id);
    EXPECT_EQ(hold.hold, found_.hold->hold);
    EXPECT_TRUE(hold.About(field_));
    if (found_.held_until != kNever) {
      EXPECT_FALSE(naive_.Ended(hold, found_.held_until - kMoment));
    }
  }

  void ExpectRule() const {
    if (found_.rule == nullptr) {
      EXPECT_TRUE(found_.due == kNever || naive_.PurposeOver(field_, found_.due));
      return;
    }
    ASSERT_NE(found_.due, kNever);
    const RetentionRule& rule = RuleOf(found_.rule->id);
    EXPECT_TRUE(rule.About(field_));
    EXPECT_TRUE(rule.Destroys()) << rule.id;
    EXPECT_TRUE(naive_.Ended(rule, found_.due)) << rule.id;
    // What destroys after the purpose is a hold, where one that destroys lasts longest.
    const absl::Time before = found_.due - kMoment;
    const bool lasts =
        std::any_of(made_.rules.begin(), made_.rules.end(), [&](const RetentionRule& other) {
          return other.About(field_) && !other.hold.empty() && other.Destroys() &&
                 naive_.Concerns(other) && naive_.Sure(other) && !naive_.Ended(other, before);
        });
    if (lasts && naive_.PurposeOver(field_, before)) {
      EXPECT_FALSE(rule.hold.empty()) << rule.id;
      EXPECT_FALSE(naive_.Ended(rule, before)) << rule.id;
    }
    if (!rule.hold.empty() && !naive_.DueByHolds(field_)) {
      EXPECT_FALSE(naive_.Ended(rule, before)) << rule.id;
    }
    EXPECT_FALSE(naive_.Due(field_, before)) << rule.id;
  }

  void Count(Seen* seen) const {
    const bool held = found_.hold != nullptr;
    (*seen)["held"] += held && found_.held_until != kNever;
    (*seen)["held, nobody knows until when"] += held && found_.held_until == kNever;
    (*seen)["kept by law for a while"] += found_.over < found_.held_until && held;
    (*seen)["due"] += found_.due != kNever;
    (*seen)["due by a hold"] += found_.rule != nullptr && !found_.rule->hold.empty();
    (*seen)["due by an erasure"] += found_.due != kNever && found_.rule == nullptr;
    (*seen)["due before its purpose is over"] += found_.due < found_.over;
    (*seen)["a hold that does not destroy lasts longest"] +=
        held && found_.due == found_.held_until && found_.rule != found_.hold;
  }

  const MadeRules& made_;
  const std::string& field_;
  const naive::Retention naive_;
  const FieldTimes found_;
};

std::string Described(const MadeRules& made, const RecordTimes& times) {
  const auto said = [](absl::Span<const ToldEvent> events) {
    std::string out;
    for (const ToldEvent& told : events) {
      absl::StrAppend(&out, " ", std::string(told.event), "=", absl::FormatTime(told.time));
    }
    return out;
  };
  std::string out = absl::StrCat(TextOf(made, made.earlier_of ? "combine: earlier_of" : ""),
                                 "made ", absl::FormatTime(times.made), ", contract ended ",
                                 absl::FormatTime(times.contract_ended), ", erased ",
                                 absl::FormatTime(times.erased), ", told", said(times.events));
  for (const MatterTimes& matter : times.matters) {
    absl::StrAppend(&out, "\nmatter", matter.of_record ? " of it" : "",
                    matter.disputed ? ", disputed" : "", ", closed ",
                    absl::FormatTime(matter.closed), ", told", said(matter.events));
  }
  return out;
}

TEST(RetentionOracleTest, CompiledAndNaiveCountsAreTheSame) {
  const size_t policies = IsLongRun() ? 300'000 : 1'500;
  constexpr size_t kRecords = 3;
  Seen seen;
  for (uint32_t i = 0; i < policies; ++i) {
    const uint32_t seed = OracleSeed() + i;
    Dice dice(seed);
    const MadeRules made = MakeRules(dice);
    ASSERT_NE(made.policy, nullptr);
    TimesMaker maker(dice, made.policy->timezone());
    for (size_t record = 0; record < kRecords; ++record) {
      const auto times = maker.Make();
      std::vector<absl::Time> instants;
      for (int more = 0; more < 6; ++more) {
        instants.push_back(maker.Instant() + absl::Hours(24 * 365 * dice.Below(9)));
      }
      for (const std::string& field : kFields) {
        Comparison(made, times->times, field).Compare(instants, &seen);
        ASSERT_FALSE(HasFailure()) << "PIIVAULT_ORACLE_SEED=" << seed << ", " << field << " of\n"
                                   << Described(made, times->times);
      }
    }
  }
  for (const char* what :
       {"held", "held, nobody knows until when", "kept by law for a while", "due", "due by a hold",
        "due by an erasure", "due before its purpose is over",
        "a hold that does not destroy lasts longest"}) {
    EXPECT_GE(seen[what], 50) << what;
  }
}

}  // namespace
}  // namespace piivault::authz
