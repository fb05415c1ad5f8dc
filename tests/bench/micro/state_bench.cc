#include <benchmark/benchmark.h>

#include <cstdlib>

#include "tests/vault/state/vault_fixture.h"

namespace piivault::vault {
namespace {

// What every call begins with: the newest snapshot, the caller by its certificate's identity, the
// denylist.
void BM_FindCaller(benchmark::State& state) {
  TestVault vault;
  for (auto _ : state) {
    const auto snapshot = vault.state();
    const PrincipalState* const caller =
        snapshot->FindPrincipalByIdentity("spiffe://example.test/aoki");
    if (caller == nullptr || snapshot->IsDenied("another")) std::abort();
    benchmark::DoNotOptimize(caller);
  }
}
BENCHMARK(BM_FindCaller);

}  // namespace
}  // namespace piivault::vault
