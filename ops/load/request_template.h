#ifndef PIIVAULT_OPS_LOAD_REQUEST_TEMPLATE_H_
#define PIIVAULT_OPS_LOAD_REQUEST_TEMPLATE_H_

#include <google/protobuf/descriptor.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "ops/load/data_table.h"

namespace piivault::ops {

// A request with placeholders, from which many are made.
//
// Written in protobuf's JSON mapping. In values of string fields and in keys of maps `{column}`
// stands for a cell of the data, `{n}` for a number, `{{` and `}}` for braces. One element of one
// repeated field may stand several times, each copy with a row and a number of its own; outside of
// it stands what its first copy has.
//
// Guarantees: JSON and types are checked once; Render() only joins pieces of the wire format.
// Borrows the data. Immutable once made; thread-safe.
class RequestTemplate {
 public:
  // The field whose one element stands `copies` times, as a path of names with dots.
  struct Repeat {
    std::string field;
    int copies = 1;
  };

  // What one copy is filled with; `row` does not matter where no column is named.
  struct Draw {
    size_t row = 0;
    int64_t number = 0;
  };

  // INVALID_ARGUMENT for what is no such request, a column that `data` (which may be null) does not
  // have, and a Repeat that does not lead to a repeated field with one element in the request.
  // REQUIRES: copies >= 1.
  [[nodiscard]] static absl::StatusOr<RequestTemplate> Create(
      const std::string& json, const google::protobuf::Descriptor& type, const DataTable* data,
      const std::optional<Repeat>& repeat);

  size_t copies() const { return copies_; }
  // Whether there is a `{n}` / a `{column}`.
  bool has_number() const { return has_number_; }
  bool has_column() const { return has_column_; }

  // Replaces `bytes` by the request. REQUIRES: draws.size() == copies().
  void Render(absl::Span<const Draw> draws, std::string* bytes) const;

 private:
  class Compiler;

  struct Piece {
    enum class Kind { kText, kColumn, kNumber };
    Kind kind = Kind::kText;
    std::string text;
    size_t column = 0;
  };
  // A part of the wire format: `head`, then pieces, then children. Where it is delimited, `head` is
  // the field's tag and the length of what follows comes after it.
  struct Node {
    std::string head;
    bool delimited = false;
    bool for_each_draw = false;
    std::vector<Piece> pieces = {};
    std::vector<Node> children = {};
  };

  RequestTemplate() = default;
  void RenderNode(const Node& node, const Draw& draw, absl::Span<const Draw> draws,
                  std::string* bytes) const;

  const DataTable* data_ = nullptr;
  size_t copies_ = 1;
  bool has_number_ = false;
  bool has_column_ = false;
  Node root_;
};

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_LOAD_REQUEST_TEMPLATE_H_
