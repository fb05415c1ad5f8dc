#include "ops/load/latency_histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace piivault::ops {
namespace {

constexpr int kBits = 7;
constexpr size_t kPerPower = size_t{1} << kBits;
constexpr size_t kBuckets = (64 - kBits + 1) * kPerPower;

// How many low bits of the value its bucket leaves out.
int ShiftOf(uint64_t value) {
  return std::max(0, static_cast<int>(std::bit_width(value)) - (kBits + 1));
}

size_t BucketOf(uint64_t value) {
  const int shift = ShiftOf(value);
  return static_cast<size_t>(shift) * kPerPower + static_cast<size_t>(value >> shift);
}

uint64_t MiddleOf(size_t bucket) {
  if (bucket < 2 * kPerPower) return bucket;
  const size_t shift = bucket / kPerPower - 1;
  const uint64_t lowest = static_cast<uint64_t>(bucket - shift * kPerPower) << shift;
  return lowest + ((uint64_t{1} << shift) - 1) / 2;
}

}  // namespace

LatencyHistogram::LatencyHistogram() : buckets_(kBuckets) {}

void LatencyHistogram::Record(uint64_t nanos) {
  ++buckets_[BucketOf(nanos)];
  ++count_;
  max_ = std::max(max_, nanos);
  sum_ += static_cast<double>(nanos);
}

void LatencyHistogram::Merge(const LatencyHistogram& other) {
  for (size_t i = 0; i < kBuckets; ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
  sum_ += other.sum_;
}

double LatencyHistogram::Mean() const {
  return count_ == 0 ? 0 : sum_ / static_cast<double>(count_);
}

uint64_t LatencyHistogram::Quantile(double q) const {
  const auto rank = static_cast<uint64_t>(std::ceil(q * static_cast<double>(count_)));
  uint64_t seen = 0;
  for (size_t i = 0; i < kBuckets; ++i) {
    seen += buckets_[i];
    if (seen >= rank && buckets_[i] > 0) return std::min(MiddleOf(i), max_);
  }
  return max_;
}

}  // namespace piivault::ops
