// Each rule of a policy decides something: with the rule changed, the compiled decision differs
// from the naive one of the text as it was. Shows that the comparison would see a rule that is
// compiled wrongly.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/authz/compare_decisions.h"
#include "tests/authz/policy_files.h"
#include "tests/authz/policy_mutator.h"

namespace piivault::authz {
namespace {

// Why a change decides nothing about calls. Each rule is about mutations of one form.
class Equivalents {
 public:
  explicit Equivalents(const PolicyText& source) : text_(naive::Read(source)) {}

  // Empty: the change must show.
  std::string Because(const std::string& mutation) const {
    if (GivenOnly(mutation)) return "asked when a role is given, not at calls";
    if (Implied(mutation)) return "another verb of the grant gives it";
    if (PassedOver(mutation)) return "no verb of the grant can have the field";
    if (NoNotice(mutation)) return "no use for that purpose asks for the notice";
    if (SameMask(mutation)) return "the mask is that of the field's type";
    if (mutation == "age" && !text_.reached_day_before && !text_.unknown_age_allowed) {
      return "it says what holds where nothing is said";
    }
    if (NoDays(mutation)) return "no day is counted in calls";
    if (OthersConsent(mutation)) return "the consent is not asked at calls";
    return "";
  }

 private:
  static bool Starts(const std::string& text, const std::string& with) {
    return text.rfind(with, 0) == 0;
  }
  static bool Ends(const std::string& text, const std::string& with) {
    return text.size() >= with.size() && text.substr(text.size() - with.size()) == with;
  }
  // What stands in `text` after `before`, up to a space.
  static std::string After(const std::string& text, const std::string& before) {
    const size_t at = text.find(before);
    if (at == std::string::npos) return "";
    const size_t from = at + before.size();
    return text.substr(from, text.find(' ', from) - from);
  }

  bool GivenOnly(const std::string& mutation) const {
    if (!Starts(mutation, "role ")) return false;
    const naive::Role& role = *text_.FindRole(After(mutation, "role "));
    if (Ends(mutation, " holders")) return true;
    if (Ends(mutation, " needs")) return !naive::Has(role.needs, "ticket");
    const std::string need = After(mutation, " needs without ");
    return !need.empty() && need != "ticket";
  }

  const naive::Grant* GrantOf(const std::string& mutation) const {
    for (const naive::Grant& grant : text_.grants) {
      if (Starts(mutation, "grant ") && grant.id == After(mutation, "grant ")) return &grant;
    }
    return nullptr;
  }

  bool Implied(const std::string& mutation) const {
    const naive::Grant* grant = GrantOf(mutation);
    if (grant == nullptr || mutation.find(" may without ") == std::string::npos) return false;
    const std::string verb = After(mutation, " may without ");
    return std::any_of(grant->verbs.begin(), grant->verbs.end(), [&](const std::string& other) {
      return naive::Has(naive::Verbs().at(other).implies, verb);
    });
  }

  bool CanHave(const naive::Grant& grant, const std::string& name) const {
    const naive::Field& field = text_.fields.at(name);
    const bool tenant = text_.FindRole(grant.role)->kind == "tenant";
    return std::any_of(grant.verbs.begin(), grant.verbs.end(), [&](const std::string& name_of) {
      const naive::Verb& verb = naive::Verbs().at(name_of);
      if (verb.on != "fields" || (verb.by_index && !field.index)) return false;
      if (verb.by_token && !field.tokens) return false;
      if (verb.uses && field.never_read && name_of != "verify") return false;
      if (verb.uses && field.comm_secret && (!tenant || name_of == "export")) return false;
      if (verb.shows && grant.view == "masked" && field.mask == Mask::kNone) return false;
      return !verb.shows || grant.view != "token" || field.tokens;
    });
  }

  bool PassedOver(const std::string& mutation) const {
    const naive::Grant* grant = GrantOf(mutation);
    if (grant == nullptr || mutation.find(" may ") != std::string::npos) return false;
    const std::string type = After(mutation, " with all of ");
    if (!type.empty()) {
      for (const std::string& name : text_.FieldsOf(type)) {
        if (!naive::Has(grant->fields, name) && CanHave(*grant, name)) return false;
      }
      return true;
    }
    const std::string left_out = After(mutation, " without ");
    return text_.fields.count(left_out) > 0 && !CanHave(*grant, left_out);
  }

  // Whether some grant rests on whether notices name the purpose.
  bool NoticeAsked(const std::string& name) const {
    const naive::Purpose& purpose = *text_.FindPurpose(name);
    if (!purpose.follows.empty()) return false;  // Its parent's counts.
    return std::any_of(text_.grants.begin(), text_.grants.end(), [&](const naive::Grant& grant) {
      const bool rests =
          std::any_of(grant.purposes.begin(), grant.purposes.end(), [&](const std::string& other) {
            return other == name || naive::Has(text_.FindPurpose(other)->follows, name);
          });
      const bool uses = std::any_of(grant.verbs.begin(), grant.verbs.end(),
                                    [](const auto& v) { return naive::Verbs().at(v).uses; });
      return rests && (naive::Has(grant.when, "noticed") || (uses && !purpose.despite_notice));
    });
  }

  bool NoNotice(const std::string& mutation) const {
    std::string purpose;
    if (Starts(mutation, "notice ")) {
      purpose = After(mutation, " purposes without ");
      if (purpose.empty()) purpose = After(mutation, " for ");
    } else if (Starts(mutation, "purpose ") && Ends(mutation, " despite notice")) {
      purpose = After(mutation, "purpose ");
    }
    return !purpose.empty() && !NoticeAsked(purpose);
  }

  bool SameMask(const std::string& mutation) const {
    if (!Ends(mutation, " mask")) return false;
    const naive::Field& field = text_.fields.at(mutation.substr(0, mutation.find(' ')));
    return GetSemanticType(*FindSemanticType(field.semantic)).masks[0] == field.mask;
  }

  bool NoDays(const std::string& mutation) const {
    const bool days = !text_.acknowledged_document.empty() ||
                      std::any_of(text_.consents.begin(), text_.consents.end(),
                                  [](const naive::Consent& c) { return c.under_age > 0; });
    return mutation == "timezone" && !days;
  }

  bool OthersConsent(const std::string& mutation) const {
    if (!Starts(mutation, "consent ")) return false;
    const naive::Consent& consent = *text_.FindConsent(After(mutation, "consent "));
    for (const char* asked : {"collection", "link", "purpose_extension", "policy_change"}) {
      if (naive::Has(consent.events, asked)) return false;
    }
    return true;
  }

  naive::Text text_;
};

// Calls under a policy with their naive answers; made once, asked of every mutation.
class Calls {
 public:
  explicit Calls(const PolicyText& source)
      : text_(naive::Read(source)), generator_(text_, OracleSeed()) {}

  // The first of `count` calls on which the compiled policy differs, described; empty: none.
  std::string FirstDifference(const Policy& policy, size_t count) {
    for (size_t i = 0; i < count; ++i) {
      if (i == calls_.size() && i < kKept) calls_.push_back(Made(generator_, text_));
      std::unique_ptr<Made> passing;
      if (i >= kKept) passing = std::make_unique<Made>(generator_, text_);
      Made& made = i < kKept ? calls_[i] : *passing;
      const std::string difference = Difference(policy, *made.call, made.answers);
      if (!difference.empty()) return difference + Describe(*made.call);
    }
    return "";
  }

 private:
  static constexpr size_t kKept = 10'000;

  struct Made {
    Made(CallGenerator& generator, const naive::Text& text)
        : call(generator.Next()), answers(text, *call) {}
    std::unique_ptr<GeneratedCall> call;
    Answers answers;
  };

  naive::Text text_;
  CallGenerator generator_;
  std::vector<Made> calls_;
};

class OracleMutationTest : public ::testing::TestWithParam<std::string> {};

TEST_P(OracleMutationTest, EachRuleDecidesSomething) {
  const size_t mutations = IsLongRun() ? SIZE_MAX : 60;
  constexpr size_t calls = 1'000'000;  // At most: most changes show in the first thousand.
  const PolicyText source = ComparedText(GetParam());
  const PolicyMutator mutator(source);
  SCOPED_TRACE("PIIVAULT_ORACLE_SEED=" + std::to_string(OracleSeed()));
  Calls made(source);
  const Equivalents equivalents(source);
  Diagnostics diagnostics;
  const auto unchanged = Policy::Load(mutator.Unchanged(), &diagnostics);
  ASSERT_NE(unchanged, nullptr) << diagnostics.ToString();
  ASSERT_EQ(made.FirstDifference(*unchanged, 10'000), "");
  size_t loaded = 0;
  for (const Mutation& mutation : Sample(mutator.mutations(), mutations)) {
    Diagnostics problems;
    const auto policy = Policy::Load(mutator.Apply(mutation), &problems);
    if (policy == nullptr) continue;  // Nothing is decided by it.
    ++loaded;
    const std::string because = equivalents.Because(mutation.name);
    const std::string difference = made.FirstDifference(*policy, because.empty() ? calls : 10'000);
    EXPECT_EQ(difference.empty(), !because.empty()) << mutation.name << ": " << difference;
  }
  EXPECT_GT(loaded, 10u);
}

std::string LastPart(const ::testing::TestParamInfo<std::string>& policy) {
  return TestName(policy.param);
}

INSTANTIATE_TEST_SUITE_P(Policies, OracleMutationTest, ::testing::ValuesIn(ComparedPolicies()),
                         LastPart);

}  // namespace
}  // namespace piivault::authz
