// Made-up sharing rules, and disclosures around them: all is in order with one, and then nothing,
// one or two things about it are broken or put on the edge of what holds.
#ifndef PIIVAULT_TESTS_AUTHZ_SHARE_GENERATOR_H_
#define PIIVAULT_TESTS_AUTHZ_SHARE_GENERATOR_H_

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/authz/call_generator.h"
#include "tests/authz/sharing_policy.h"

namespace piivault::authz {

// To stand at the end of kSharingBase; loads, most of the time.
std::string MakeSharingRules(Dice& dice);

// With what the facts of the share borrow.
struct MadeShare {
  MadeShare(std::shared_ptr<const Policy> policy, const std::string& rule)
      : share(std::move(policy), rule) {}
  Share share;
  std::deque<std::string> words;
  std::deque<std::vector<std::string_view>> lists;
};

// Under one of the policy's rules.
std::unique_ptr<MadeShare> MakeShare(const std::shared_ptr<const Policy>& policy, Dice& dice);

}  // namespace piivault::authz

#endif  // PIIVAULT_TESTS_AUTHZ_SHARE_GENERATOR_H_
