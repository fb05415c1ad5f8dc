// A set of small numbers whose largest is known when it is made. Internal to authz.
#ifndef PIIVAULT_AUTHZ_BIT_SET_H_
#define PIIVAULT_AUTHZ_BIT_SET_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace piivault::authz {

class BitSet {
 public:
  explicit BitSet(size_t size = 0) : words_((size + 63) / 64) {}
  void Set(size_t i) { words_[i / 64] |= uint64_t{1} << (i % 64); }
  bool Has(size_t i) const {
    return i / 64 < words_.size() && ((words_[i / 64] >> (i % 64)) & 1) != 0;
  }

 private:
  std::vector<uint64_t> words_;
};

}  // namespace piivault::authz

#endif  // PIIVAULT_AUTHZ_BIT_SET_H_
