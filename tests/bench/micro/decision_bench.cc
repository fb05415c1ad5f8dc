#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "authz/decision.h"
#include "tests/authz/policy_files.h"

namespace piivault::authz {
namespace {

// A tenant that reveals range(0) fields of its own reader, under the largest policy there is.
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

}  // namespace
}  // namespace piivault::authz
