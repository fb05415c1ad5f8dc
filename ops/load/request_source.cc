#include "ops/load/request_source.h"

namespace piivault::ops {

RequestSource::Maker::Maker(RequestSource* source, uint64_t seed)
    : source_(*source), random_(seed), draws_(source->template_.copies()) {}

grpc::ByteBuffer RequestSource::Maker::Next() {
  const auto copies = static_cast<int64_t>(draws_.size());
  int64_t number = source_.next_.fetch_add(copies, std::memory_order_relaxed);
  for (RequestTemplate::Draw& draw : draws_) {
    draw.number = number++;
    if (source_.template_.has_column()) draw.row = Row(draw.number);
  }
  source_.template_.Render(draws_, &bytes_);
  const grpc::Slice slice(bytes_);
  return grpc::ByteBuffer(&slice, 1);
}

size_t RequestSource::Maker::Row(int64_t number) {
  if (source_.options_.in_order) {
    return static_cast<size_t>(number - source_.options_.first) % source_.rows_;
  }
  return std::uniform_int_distribution<size_t>(0, source_.rows_ - 1)(random_);
}

}  // namespace piivault::ops
