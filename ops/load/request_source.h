#ifndef PIIVAULT_OPS_LOAD_REQUEST_SOURCE_H_
#define PIIVAULT_OPS_LOAD_REQUEST_SOURCE_H_

#include <grpcpp/support/byte_buffer.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "ops/load/request_template.h"

namespace piivault::ops {

// The requests of a run: which rows and numbers they have.
//
// Numbers go up from `first` and are never given twice, whichever thread asks. Rows are drawn
// uniformly, or come in their order and from the first one again. Borrows template and data. One
// Maker for each thread; the rest is thread-safe.
class RequestSource {
 public:
  struct Options {
    bool in_order = false;
    uint64_t seed = 1;
    int64_t first = 0;
  };

  // REQUIRES: rows > 0 where the template has columns.
  RequestSource(const RequestTemplate* requests, size_t rows, const Options& options)
      : template_(*requests), rows_(rows), options_(options), next_(options.first) {}

  class Maker {
   public:
    grpc::ByteBuffer Next();

   private:
    friend class RequestSource;
    Maker(RequestSource* source, uint64_t seed);
    size_t Row(int64_t number);

    RequestSource& source_;
    std::mt19937_64 random_;
    std::vector<RequestTemplate::Draw> draws_;
    std::string bytes_;
  };

  Maker NewMaker() { return Maker(this, options_.seed + makers_++); }

  // The first number that no request has.
  int64_t next_number() const { return next_; }

 private:
  const RequestTemplate& template_;
  const size_t rows_;
  const Options options_;
  std::atomic<int64_t> next_;
  std::atomic<uint64_t> makers_ = 0;
};

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_LOAD_REQUEST_SOURCE_H_
