#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "authz/decision.h"
#include "authz/policy_cases.h"
#include "tests/authz/policy_files.h"
#include "tests/bench/micro/large_policy.h"

namespace piivault::authz {
namespace {

// Decisions between which a case's call is made anew: what that takes is not to count.
constexpr size_t kTimesEach = 1000;

// A tenant that reveals range(0) fields of its own reader.
void BM_DecideReveal(benchmark::State& state) {
  Diagnostics diagnostics;
  const std::shared_ptr<const Policy> policy = LoadFile("ops/policies/combzmail", &diagnostics);
  if (policy == nullptr) std::abort();
  Principal principal;
  principal.name = "principals/publisher";
  principal.kind = PrincipalKind::kTenant;
  principal.tenant = "tenants/default";
  principal.person = "persons/publisher";
  RoleBinding binding;
  binding.role = "publisher";
  binding.tenant = "tenants/default";
  principal.bindings.push_back(binding);
  Person person;
  person.name = "persons/publisher";
  person.employment = Employment::kFullTime;
  std::vector<FieldId> fields;
  for (const char* name : {"reader.email", "reader.name", "reader.phone", "reader.address"}) {
    fields.push_back(policy->FindField(name));
  }
  fields.resize(std::min(fields.size(), static_cast<size_t>(state.range(0))));
  DecisionInput input;
  input.principal = &principal;
  input.person = &person;
  input.tenant = "tenants/default";
  input.verb = Verb::kReveal;
  input.type = policy->FindType("reader");
  input.fields = fields;
  input.purpose = "own_list";
  input.now = absl::FromUnixSeconds(1'800'000'000);
  SubjectFacts subject;
  subject.subject = "subjects/of-a-reader";
  if (!DecideWithSubject(*policy, input, subject).granted()) std::abort();
  for (auto _ : state) benchmark::DoNotOptimize(DecideWithSubject(*policy, input, subject));
}
BENCHMARK(BM_DecideReveal)->Arg(1)->Arg(4);

// Loaded once: it takes far longer than all decisions under it.
const absl::StatusOr<std::shared_ptr<const Policy>>& LargePolicy(size_t grants, Grants where) {
  static std::map<std::pair<size_t, Grants>, absl::StatusOr<std::shared_ptr<const Policy>>> loaded;
  const auto [at, fresh] = loaded.try_emplace({grants, where}, nullptr);
  if (fresh) {
    PolicyText text;
    text.yaml = LargePolicyText(grants, where);
    at->second = Policy::Load(text);
  }
  return at->second;
}

// A policy with range(0) grants and all else that the loader takes; range(1) fields are asked.
void BM_DecideLarge(benchmark::State& state, Grants where, Asked asked, bool granted) {
  const auto& policy = LargePolicy(static_cast<size_t>(state.range(0)), where);
  if (!policy.ok()) return state.SkipWithError(policy.status().ToString().c_str());
  const LargeCall call(*policy, asked, static_cast<size_t>(state.range(1)));
  const Decision decision = call.Decide();
  if (decision.granted() != granted) {
    return state.SkipWithError(std::string(ReasonName(decision.reason)).c_str());
  }
  for (auto _ : state) benchmark::DoNotOptimize(call.Decide());
}
void GrantsAndFields(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"grants", "fields"});
  for (int fields : {1, 4, 16}) {
    for (int grants : {10, 100, 1000}) benchmark->Args({grants, fields});
  }
}
#define PIIVAULT_BENCH_LARGE(name, where, asked, granted)                       \
  BENCHMARK_CAPTURE(BM_DecideLarge, name, Grants::where, Asked::asked, granted) \
      ->Apply(GrantsAndFields)
PIIVAULT_BENCH_LARGE(use, kSpread, kUse, true);
PIIVAULT_BENCH_LARGE(derived, kSpread, kDerived, true);
PIIVAULT_BENCH_LARGE(write, kSpread, kWrite, true);
PIIVAULT_BENCH_LARGE(stopped, kSpread, kStopped, false);
PIIVAULT_BENCH_LARGE(write_refused, kSpread, kWriteRefused, false);
PIIVAULT_BENCH_LARGE(in_parts, kSpread, kInParts, false);
PIIVAULT_BENCH_LARGE(not_for_that, kSpread, kNotForThat, false);
PIIVAULT_BENCH_LARGE(not_consented, kSpread, kNotConsented, false);
PIIVAULT_BENCH_LARGE(use_crowded, kCrowded, kUse, true);
PIIVAULT_BENCH_LARGE(write_crowded, kCrowded, kWrite, true);

// The calls of a shipped policy's own cases, one after the other.
void BM_DecideCases(benchmark::State& state, const char* stem, bool granted) {
  Diagnostics diagnostics;
  const std::shared_ptr<const Policy> policy = LoadFile(stem, &diagnostics);
  if (policy == nullptr) return state.SkipWithError(diagnostics.ToString().c_str());
  std::vector<const PolicyCase*> cases;
  for (const PolicyCase& c : policy->cases()) {
    if (!c.admission && (c.expect == Reason::kOk) == granted) cases.push_back(&c);
  }
  size_t decided = 0;
  while (state.KeepRunningBatch(static_cast<int64_t>(kTimesEach * cases.size()))) {
    for (const PolicyCase* c : cases) {
      WithCaseCall(*policy, *c, [&](const DecisionInput& input, const SubjectFacts& subject) {
        for (size_t i = 0; i < kTimesEach; ++i) {
          benchmark::DoNotOptimize(DecideWithSubject(*policy, input, subject));
        }
      });
    }
    decided += kTimesEach * cases.size();
  }
  state.SetItemsProcessed(static_cast<int64_t>(decided));
}
#define PIIVAULT_BENCH_CASES(name, stem)                                         \
  BENCHMARK_CAPTURE(BM_DecideCases, name##_granted, "ops/policies/" stem, true); \
  BENCHMARK_CAPTURE(BM_DecideCases, name##_refused, "ops/policies/" stem, false)
PIIVAULT_BENCH_CASES(combzmail, "combzmail");
PIIVAULT_BENCH_CASES(sns_helper, "sns-helper");
PIIVAULT_BENCH_CASES(corezo, "corezo");
PIIVAULT_BENCH_CASES(biglobe, "biglobe");
PIIVAULT_BENCH_CASES(priuspro, "priuspro");

}  // namespace
}  // namespace piivault::authz
