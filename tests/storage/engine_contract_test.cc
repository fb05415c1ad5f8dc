#include "tests/storage/engine_contract.h"

#include "tests/fakes/memory_engine.h"

namespace piivault::storage {
namespace {

std::string ParamName(const testing::TestParamInfo<EngineParam>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Engines, EngineContractTest,
                         testing::Values(EngineParam{"Memory",
                                                     [](EngineOptions options) {
                                                       return std::make_unique<fakes::MemoryEngine>(
                                                           std::move(options));
                                                     }}),
                         ParamName);

}  // namespace
}  // namespace piivault::storage
