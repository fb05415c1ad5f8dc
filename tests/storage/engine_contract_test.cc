#include "tests/storage/engine_contract.h"

#include "storage/rocksdb_engine.h"
#include "tests/fakes/memory_engine.h"

namespace piivault::storage {
namespace {

std::unique_ptr<Engine> MakeMemory(EngineOptions options) {
  return std::make_unique<fakes::MemoryEngine>(std::move(options));
}

std::unique_ptr<Engine> MakeRocksDb(EngineOptions options) {
  auto engine = RocksDbEngine::Open(std::move(options));
  EXPECT_TRUE(engine.ok()) << engine.status();
  return engine.ok() ? *std::move(engine) : nullptr;
}

INSTANTIATE_TEST_SUITE_P(Engines, EngineContractTest,
                         testing::Values(EngineParam{"Memory", MakeMemory},
                                         EngineParam{"RocksDb", MakeRocksDb}),
                         [](const testing::TestParamInfo<EngineParam>& p) { return p.param.name; });

}  // namespace
}  // namespace piivault::storage
