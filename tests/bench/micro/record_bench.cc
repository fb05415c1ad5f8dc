#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "tests/vault/keys/key_fixture.h"
#include "vault/crypto/aead.h"
#include "vault/keys/record_codec.h"

namespace piivault::vault {
namespace {

const RecordIdentity kIdentity = {KeyFixture::kTenant, IdOf(0x51), IdOf(0x72)};

// A reader's record of eight fields with tokens.
EncryptedRecord MakeReader(const KeySnapshot& keys) {
  storage::v1::RecordHeader header;
  header.set_type("reader");
  header.set_record_ref(std::string(IdOf(0x5f).view()));
  uint8_t token = 1;
  for (const char* name :
       {"email", "name", "phone", "postal_code", "address", "birth_date", "gender", "attr"}) {
    storage::v1::FieldHeader* const field = header.add_fields();
    field->set_name(name);
    field->set_token(std::string(IdOf(token++).view()));
    field->set_token_kind(storage::v1::TOKEN_KIND_RANDOM);
  }
  const std::vector<std::string_view> values(8, "a value of twenty-six byte");
  return EncryptRecord(keys, SystemRandom(), kIdentity, 1, &header, values).value();
}

// Unwrap, header, and range(0) fields of one record.
void BM_OpenRecord(benchmark::State& state) {
  KeyFixture fixture;
  const auto keys = fixture.keys();
  const EncryptedRecord record = MakeReader(*keys);
  for (auto _ : state) {
    auto reader = RecordReader::Open(*keys, kIdentity, record.row, record.wrap_row);
    for (int i = 0; i < state.range(0); ++i) {
      auto value = reader->DecryptField(reader->header().fields(i));
      if (!value.ok()) std::abort();
      benchmark::DoNotOptimize(value);
    }
  }
}
BENCHMARK(BM_OpenRecord)->Arg(0)->Arg(4)->Arg(8);

void BM_EncryptRecord(benchmark::State& state) {
  KeyFixture fixture;
  const auto keys = fixture.keys();
  for (auto _ : state) benchmark::DoNotOptimize(MakeReader(*keys));
}
BENCHMARK(BM_EncryptRecord);

void BM_XaesOpen(benchmark::State& state) {
  const XaesKey key(std::string(kAesKeySize, 'k'));
  const std::string data(105, 'a');
  std::string sealed;
  key.Seal(SystemRandom(), data, std::string(kAesKeySize, 'd'), &sealed);
  for (auto _ : state) benchmark::DoNotOptimize(key.Open(data, sealed));
}
BENCHMARK(BM_XaesOpen);

}  // namespace
}  // namespace piivault::vault
