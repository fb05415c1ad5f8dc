#include "ops/load/request_template.h"

#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/message.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/wire_format_lite.h>

#include <array>
#include <iterator>
#include <memory>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "vault/text.h"

namespace piivault::ops {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedOutputStream;

absl::Status RepeatError(std::string_view field, std::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("repeat: ", vault::AbslView(field), " ", vault::AbslView(what)));
}

// protobuf's own words, cut where they begin to repeat what was given.
absl::Status JsonError(std::string_view type, std::string_view message) {
  message = message.substr(0, message.find_first_of("\"\n"));
  return absl::InvalidArgumentError(
      absl::StrCat("the request is not a ", vault::AbslView(type), " in JSON (",
                   vault::AbslView(message), "); placeholders stand in values of string fields"));
}

std::string Varint(uint32_t value) {
  std::array<uint8_t, 5> bytes{};
  const uint8_t* end = CodedOutputStream::WriteVarint32ToArray(value, bytes.data());
  return std::string(reinterpret_cast<const char*>(bytes.data()),
                     static_cast<size_t>(end - bytes.data()));
}

std::string TagOf(const FieldDescriptor& field) {
  return Varint(WireFormatLite::MakeTag(field.number(), WireFormatLite::WIRETYPE_LENGTH_DELIMITED));
}

// Puts the length of all that follows `start` before it.
void InsertLength(size_t start, std::string* bytes) {
  bytes->insert(start, Varint(static_cast<uint32_t>(bytes->size() - start)));
}

// The fields that a dotted path names: the last one repeated, those before it single messages.
absl::StatusOr<std::vector<const FieldDescriptor*>> FindRepeated(const Descriptor& type,
                                                                 const std::string& path) {
  std::vector<const FieldDescriptor*> fields;
  const Descriptor* at = &type;
  const std::vector<std::string> names = absl::StrSplit(path, '.');
  for (size_t i = 0; i < names.size(); ++i) {
    const FieldDescriptor* field = at->FindFieldByName(names[i]);
    if (field == nullptr) return RepeatError(names[i], "is not a field of " + at->name());
    const bool last = i + 1 == names.size();
    if (last ? !field->is_repeated() || field->is_map()
             : field->is_repeated() || field->message_type() == nullptr) {
      return RepeatError(names[i], last ? "is not a repeated field" : "is not a single message");
    }
    fields.push_back(field);
    at = field->message_type();
  }
  return fields;
}

int ElementsAt(const Message& message, absl::Span<const FieldDescriptor* const> path) {
  const Reflection& reflection = *message.GetReflection();
  if (path.size() == 1) return reflection.FieldSize(message, path.front());
  return ElementsAt(reflection.GetMessage(message, path.front()), path.subspan(1));
}

}  // namespace

// Turns the parsed request into nodes.
class RequestTemplate::Compiler {
 public:
  Compiler(std::vector<const FieldDescriptor*> repeated, RequestTemplate* out)
      : repeated_(std::move(repeated)), out_(*out) {}

  // Adds the fields of `message` to `node`. `depth` is how far along the repeated field's path the
  // message is, or -1. Returns whether anything in it differs from request to request.
  absl::StatusOr<bool> AddMessage(const Message& message, int depth, Node* node) {
    const Reflection& reflection = *message.GetReflection();
    std::vector<const FieldDescriptor*> fields;
    reflection.ListFields(message, &fields);
    const std::unique_ptr<Message> rest(message.New());
    rest->CopyFrom(message);
    // An entry of a map always has both fields on the wire, so that neither may stay in the rest.
    const bool whole = message.GetDescriptor()->options().map_entry();
    bool varies = false;
    size_t moved = 0;
    for (const FieldDescriptor* field : fields) {
      if (field->type() != FieldDescriptor::TYPE_STRING && field->message_type() == nullptr) {
        continue;
      }
      std::vector<Node> parts;
      absl::StatusOr<bool> part_varies = AddField(message, *field, depth, &parts);
      if (!part_varies.ok()) return part_varies.status();
      varies = varies || *part_varies;
      if (!*part_varies && !whole) continue;
      rest->GetReflection()->ClearField(rest.get(), field);
      ++moved;
      std::move(parts.begin(), parts.end(), std::back_inserter(node->children));
    }
    if (moved < fields.size()) {
      node->children.insert(node->children.begin(), Node{.head = rest->SerializeAsString()});
    }
    return varies;
  }

 private:
  // The same for all elements of one field, a node for each.
  absl::StatusOr<bool> AddField(const Message& message, const FieldDescriptor& field, int depth,
                                std::vector<Node>* parts) {
    const Reflection& reflection = *message.GetReflection();
    const bool on_path = depth >= 0 && static_cast<size_t>(depth) < repeated_.size() &&
                         repeated_[static_cast<size_t>(depth)] == &field;
    const bool copied = on_path && static_cast<size_t>(depth) + 1 == repeated_.size();
    const int count = field.is_repeated() ? reflection.FieldSize(message, &field) : 1;
    bool varies = copied;
    for (int i = 0; i < count; ++i) {
      Node& part = parts->emplace_back(
          Node{.head = TagOf(field), .delimited = true, .for_each_draw = copied});
      absl::StatusOr<bool> part_varies = false;
      if (field.message_type() != nullptr) {
        part_varies =
            AddMessage(field.is_repeated() ? reflection.GetRepeatedMessage(message, &field, i)
                                           : reflection.GetMessage(message, &field),
                       on_path ? depth + 1 : -1, &part);
      } else {
        part_varies = AddText(field.is_repeated() ? reflection.GetRepeatedString(message, &field, i)
                                                  : reflection.GetString(message, &field),
                              &part.pieces);
      }
      if (!part_varies.ok()) return part_varies.status();
      varies = varies || *part_varies;
    }
    return varies;
  }

  absl::StatusOr<bool> AddText(const std::string& text, std::vector<Piece>* pieces) {
    std::string literal;
    const auto flush = [&] {
      if (!literal.empty()) pieces->push_back({Piece::Kind::kText, std::exchange(literal, ""), 0});
    };
    bool varies = false;
    for (size_t at = 0; at < text.size(); ++at) {
      const char c = text[at];
      if (c != '{' && c != '}') {
        literal.push_back(c);
        continue;
      }
      varies = true;
      if (at + 1 < text.size() && text[at + 1] == c) {
        literal.push_back(c);
        ++at;
        continue;
      }
      const size_t close = c == '{' ? text.find('}', at) : std::string::npos;
      if (close == std::string::npos) {
        return absl::InvalidArgumentError(
            "a brace in the request stands alone; a brace itself is written twice");
      }
      flush();
      absl::StatusOr<Piece> piece = Placeholder(text.substr(at + 1, close - at - 1));
      if (!piece.ok()) return piece.status();
      pieces->push_back(*std::move(piece));
      at = close;
    }
    flush();
    return varies;
  }

  absl::StatusOr<Piece> Placeholder(const std::string& name) {
    if (name == "n") {
      out_.has_number_ = true;
      return Piece{Piece::Kind::kNumber, "", 0};
    }
    const std::optional<size_t> column =
        out_.data_ == nullptr ? std::nullopt : out_.data_->FindColumn(name);
    if (!column.has_value()) {
      return absl::InvalidArgumentError(absl::StrCat("the data has no column ", name,
                                                     out_.data_ == nullptr ? ": give --data" : ""));
    }
    out_.has_column_ = true;
    return Piece{Piece::Kind::kColumn, "", *column};
  }

  const std::vector<const FieldDescriptor*> repeated_;
  RequestTemplate& out_;
};

absl::StatusOr<RequestTemplate> RequestTemplate::Create(const std::string& json,
                                                        const Descriptor& type,
                                                        const DataTable* data,
                                                        const std::optional<Repeat>& repeat) {
  const std::unique_ptr<Message> message(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(&type)->New());
  const auto parsed = google::protobuf::util::JsonStringToMessage(json, message.get());
  if (!parsed.ok()) {
    return JsonError(type.name(),
                     std::string_view(parsed.message().data(), parsed.message().size()));
  }
  RequestTemplate out;
  out.data_ = data;
  std::vector<const FieldDescriptor*> repeated;
  if (repeat.has_value()) {
    auto found = FindRepeated(type, repeat->field);
    if (!found.ok()) return found.status();
    repeated = *std::move(found);
    if (ElementsAt(*message, repeated) != 1) {
      return RepeatError(repeat->field, "needs one element in the request, to be repeated");
    }
    out.copies_ = static_cast<size_t>(repeat->copies);
  }
  Compiler compiler(std::move(repeated), &out);
  absl::StatusOr<bool> varies = compiler.AddMessage(*message, 0, &out.root_);
  if (!varies.ok()) return varies.status();
  return out;
}

void RequestTemplate::Render(absl::Span<const Draw> draws, std::string* bytes) const {
  bytes->clear();
  RenderNode(root_, draws.front(), draws, bytes);
}

void RequestTemplate::RenderNode(const Node& node, const Draw& draw, absl::Span<const Draw> draws,
                                 std::string* bytes) const {
  bytes->append(node.head);
  const size_t start = bytes->size();
  for (const Piece& piece : node.pieces) {
    switch (piece.kind) {
      case Piece::Kind::kText:
        bytes->append(piece.text);
        break;
      case Piece::Kind::kColumn:
        bytes->append(data_->Cell(draw.row, piece.column));
        break;
      case Piece::Kind::kNumber:
        absl::StrAppend(bytes, draw.number);
        break;
    }
  }
  for (const Node& child : node.children) {
    if (!child.for_each_draw) {
      RenderNode(child, draw, draws, bytes);
      continue;
    }
    for (const Draw& copy : draws) RenderNode(child, copy, draws, bytes);
  }
  if (node.delimited) InsertLength(start, bytes);
}

}  // namespace piivault::ops
