#ifndef PIIVAULT_OPS_LOAD_LATENCY_HISTOGRAM_H_
#define PIIVAULT_OPS_LOAD_LATENCY_HISTOGRAM_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace piivault::ops {

// How often each duration occurred, in buckets that grow with it: 128 to each power of two.
//
// Guarantees: fixed memory (58 KiB) for any count; Quantile() is off by less than 1 part in 128,
// and not at all below 256 ns; mean and maximum are exact. Thread-compatible: one for each thread,
// merged afterwards.
class LatencyHistogram {
 public:
  LatencyHistogram();

  void Record(uint64_t nanos);
  void Merge(const LatencyHistogram& other);

  uint64_t count() const { return count_; }
  uint64_t max() const { return max_; }
  double Mean() const;
  // The value of rank ceil(q * count), counted from 1; 0 where there is none. REQUIRES: 0 < q <= 1.
  uint64_t Quantile(double q) const;

 private:
  std::vector<uint64_t> buckets_;
  uint64_t count_ = 0;
  uint64_t max_ = 0;
  double sum_ = 0;
};

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_LOAD_LATENCY_HISTOGRAM_H_
