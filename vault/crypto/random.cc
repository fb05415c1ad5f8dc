#include "vault/crypto/random.h"

#include <openssl/rand.h>
#include <pthread.h>

#include <array>
#include <atomic>
#include <cstring>

#include "vault/crypto/openssl_internal.h"

namespace piivault::vault {
namespace {

// How often this process is the child of a fork: a block drawn in another process is not used.
std::atomic<uint64_t>& ForkCount() {
  static std::atomic<uint64_t> count{0};
  static const bool registered = [] {
    CheckCrypto(pthread_atfork(nullptr, nullptr,
                               [] { ForkCount().fetch_add(1, std::memory_order_relaxed); }) == 0,
                "no handler for forks");
    return true;
  }();
  static_cast<void>(registered);
  return count;
}

void Draw(absl::Span<uint8_t> out) {
  // Larger draws than an int do not happen: keys, nonces and ids.
  CheckCrypto(RAND_bytes(out.data(), static_cast<int>(out.size())) == 1, "no random bytes");
}

// One thread's block.
class RandomPool {
 public:
  ~RandomPool() { Wipe(absl::MakeSpan(block_)); }

  void Fill(absl::Span<uint8_t> out) {
    if (out.size() > kBlock / 4) return Draw(out);
    const uint64_t forks = ForkCount().load(std::memory_order_relaxed);
    if (left_ < out.size() || forks != forks_) {
      Draw(absl::MakeSpan(block_));
      left_ = kBlock;
      forks_ = forks;
    }
    uint8_t* const from = block_.data() + (kBlock - left_);
    std::memcpy(out.data(), from, out.size());
    Wipe(absl::MakeSpan(from, out.size()));
    left_ -= out.size();
  }

 private:
  static constexpr size_t kBlock = 1024;

  std::array<uint8_t, kBlock> block_{};
  size_t left_ = 0;
  uint64_t forks_ = 0;
};

class SystemRandomSource : public RandomSource {
 public:
  void Fill(absl::Span<uint8_t> out) override {
    thread_local RandomPool pool;
    if (!out.empty()) pool.Fill(out);
  }
};

}  // namespace

SecretBytes RandomSource::Bytes(size_t size) {
  SecretBytes bytes(size);
  Fill(bytes.span());
  return bytes;
}

storage::Id128 RandomSource::Id128() {
  storage::Id128 id;
  Fill(absl::MakeSpan(id.bytes));
  return id;
}

uint64_t RandomSource::UInt64() {
  std::array<uint8_t, 8> bytes;
  Fill(absl::MakeSpan(bytes));
  uint64_t value = 0;
  for (uint8_t byte : bytes) value = value << 8 | byte;
  return value;
}

RandomSource& SystemRandom() {
  static SystemRandomSource source;
  return source;
}

}  // namespace piivault::vault
