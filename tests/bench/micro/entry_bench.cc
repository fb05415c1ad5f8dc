#include <benchmark/benchmark.h>

#include <string>
#include <string_view>

#include "vault/audit/entry_builder.h"
#include "vault/audit/entry_terms.h"

namespace piivault::vault {
namespace {

// The entry of a call that revealed four fields of each of `items` records.
storage::v1::EntryBody MakeBody(int64_t items) {
  const std::string digest(32, 'd');
  EntryHeader header;
  header.time = absl::FromUnixSeconds(1'800'000'000);
  header.principal = "publisher";
  header.certificate_sha256 = digest;
  header.method = "piivault.v1.VaultService/RevealRecord";
  header.tenant = "default";
  header.policy_sha256 = digest;
  header.peer = "127.0.0.1";
  storage::v1::EntryBody body = NewEntryBody(header, authz::Reason::kOk);
  for (int64_t i = 0; i < items; ++i) {
    storage::v1::EntryItem* const item = body.add_items();
    item->set_subject_ref(std::string(12, 's') + std::to_string(1000 + i));
    item->set_record_ref(std::string(12, 'r') + std::to_string(1000 + i));
    item->set_version(1);
    for (const char* field : {"reader.email", "reader.name", "reader.phone", "reader.address"}) {
      item->add_fields(field);
    }
    item->add_grants("publisher-readers");
  }
  return body;
}

void BM_DraftEntry(benchmark::State& state) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(DraftEntry(MakeBody(state.range(0)), SystemRandom()));
  }
}
BENCHMARK(BM_DraftEntry)->Arg(1)->Arg(100);

// What the index over the log does with each entry, behind the calls.
void BM_TermsOfEntry(benchmark::State& state) {
  const storage::StoredEntry entry = {{}, DraftEntry(MakeBody(state.range(0)), SystemRandom())};
  for (auto _ : state) {
    TermsOf(entry, [](std::string_view term) { benchmark::DoNotOptimize(term); });
  }
}
BENCHMARK(BM_TermsOfEntry)->Arg(1)->Arg(100);

}  // namespace
}  // namespace piivault::vault
