#include "ops/load/latency_histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace piivault::ops {
namespace {

// The value of rank ceil(q * n), as the header defines it.
uint64_t ExactQuantile(const std::vector<uint64_t>& sorted, double q) {
  const auto rank = static_cast<size_t>(std::ceil(q * static_cast<double>(sorted.size())));
  return sorted[rank - 1];
}

// Spread over many powers of two, as latencies are.
std::vector<uint64_t> DrawValues(std::mt19937_64& random, int count) {
  std::uniform_real_distribution<double> exponent(0, 40);
  std::vector<uint64_t> values;
  for (int i = 0; i < count; ++i) {
    values.push_back(static_cast<uint64_t>(std::exp2(exponent(random))));
  }
  return values;
}

TEST(LatencyHistogramTest, QuantilesAreWithinOnePartIn128OfTheExactOnes) {
  std::mt19937_64 random(1);
  for (int count : {1, 2, 3, 10, 999, 20000}) {
    std::vector<uint64_t> values = DrawValues(random, count);
    LatencyHistogram histogram;
    for (uint64_t value : values) histogram.Record(value);
    std::sort(values.begin(), values.end());
    for (double q : {1e-9, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0}) {
      const auto exact = static_cast<double>(ExactQuantile(values, q));
      EXPECT_NEAR(static_cast<double>(histogram.Quantile(q)), exact, exact / 128)
          << "of " << count << " at " << q;
    }
    EXPECT_EQ(histogram.max(), values.back());
    EXPECT_EQ(histogram.count(), values.size());
  }
}

TEST(LatencyHistogramTest, SmallValuesAreExact) {
  for (uint64_t value = 0; value < 256; ++value) {
    LatencyHistogram histogram;
    histogram.Record(value);
    histogram.Record(1'000'000);
    EXPECT_EQ(histogram.Quantile(0.5), value);
  }
}

TEST(LatencyHistogramTest, TakesEveryValueThereIs) {
  constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();
  LatencyHistogram histogram;
  for (int shift = 0; shift < 64; ++shift) {
    histogram.Record(kMost >> shift);
    histogram.Record(uint64_t{1} << shift);
  }
  EXPECT_EQ(histogram.count(), 128u);
  EXPECT_EQ(histogram.max(), kMost);
  EXPECT_GE(histogram.Quantile(1.0), kMost - kMost / 128);
}

TEST(LatencyHistogramTest, MergedIsTheSameAsRecordedTogether) {
  std::mt19937_64 random(2);
  LatencyHistogram parts[3];
  LatencyHistogram whole;
  for (uint64_t value : DrawValues(random, 3000)) {
    parts[random() % 3].Record(value);
    whole.Record(value);
  }
  LatencyHistogram merged;
  for (const LatencyHistogram& part : parts) merged.Merge(part);
  EXPECT_EQ(merged.count(), whole.count());
  EXPECT_EQ(merged.max(), whole.max());
  EXPECT_NEAR(merged.Mean(), whole.Mean(), whole.Mean() * 1e-9);
  for (double q = 0.01; q < 1; q += 0.01) EXPECT_EQ(merged.Quantile(q), whole.Quantile(q));
}

TEST(LatencyHistogramTest, AnEmptyOneIsZero) {
  const LatencyHistogram histogram;
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.max(), 0u);
  EXPECT_EQ(histogram.Mean(), 0);
  EXPECT_EQ(histogram.Quantile(0.5), 0u);
}

}  // namespace
}  // namespace piivault::ops
