#include "authz/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <exception>
#include <sstream>

#include "absl/strings/str_cat.h"

namespace piivault::authz {
namespace {

// Ends yaml-cpp's parse from inside a handler; never leaves this file.
struct Stop : std::exception {};

constexpr size_t kMaxEntries = 4096;  // Of a map or list; bounds the search for duplicates.

class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(const std::string* file, const YamlLimits& limits, Diagnostics* diagnostics)
      : file_(file), limits_(limits), diagnostics_(diagnostics) {}

  std::optional<YamlNode> Take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Add(Make(YamlNode::Kind::kNull, mark, anchor));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { RefuseAnchor(At(mark)); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    CheckTag(mark, tag);
    YamlNode node = Make(YamlNode::Kind::kScalar, mark, anchor);
    node.scalar = value;
    Add(std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(YamlNode::Kind::kSequence, mark, tag, anchor);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(YamlNode::Kind::kMap, mark, tag, anchor);
  }
  void OnMapEnd() override { Close(); }

 private:
  struct Frame {
    YamlNode node;
    std::optional<YamlNode> key;  // Of a map: read, and waiting for its value.
  };

  Place At(const YAML::Mark& mark) const { return {file_, mark.line + 1, mark.column + 1}; }

  void RefuseAnchor(const Place& place) {
    diagnostics_->Error(place, "anchors and aliases are not allowed",
                        "write it out, or use a named group");
    throw Stop();
  }

  void CheckTag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    diagnostics_->Error(At(mark), "tags are not allowed", "remove the part that starts with '!'");
    throw Stop();
  }

  YamlNode Make(YamlNode::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    YamlNode node;
    node.kind = kind;
    node.place = At(mark);
    if (anchor != YAML::NullAnchor) RefuseAnchor(node.place);
    if (++nodes_ > limits_.max_nodes) {
      diagnostics_->Error(node.place,
                          absl::StrCat("more than ", limits_.max_nodes, " words, lists and maps"));
      throw Stop();
    }
    return node;
  }

  void Open(YamlNode::Kind kind, const YAML::Mark& mark, const std::string& tag,
            YAML::anchor_t anchor) {
    CheckTag(mark, tag);
    YamlNode node = Make(kind, mark, anchor);
    if (static_cast<int>(stack_.size()) >= limits_.max_depth) {
      diagnostics_->Error(node.place,
                          absl::StrCat("nested deeper than ", limits_.max_depth, " levels"));
      throw Stop();
    }
    stack_.push_back({std::move(node), std::nullopt});
  }

  void Close() {
    YamlNode node = std::move(stack_.back().node);
    stack_.pop_back();
    Add(std::move(node));
  }

  void Add(YamlNode node) {
    if (stack_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& frame = stack_.back();
    if (frame.node.is_sequence()) {
      if (frame.node.items.size() >= kMaxEntries) {
        diagnostics_->Error(node.place,
                            absl::StrCat("more than ", kMaxEntries, " items in a list"));
        throw Stop();
      }
      frame.node.items.push_back(std::move(node));
    } else if (!frame.key.has_value()) {
      if (!node.is_scalar()) {
        diagnostics_->Error(node.place, "a key must be a plain word");
        throw Stop();
      }
      frame.key = std::move(node);
    } else {
      AddEntry(frame, std::move(node));
    }
  }

  void AddEntry(Frame& frame, YamlNode value) {
    YamlNode key = std::move(*frame.key);
    frame.key.reset();
    for (const YamlNode::Entry& entry : frame.node.entries) {
      if (entry.first.scalar != key.scalar) continue;
      diagnostics_->Error(key.place, absl::StrCat("duplicate key '", key.scalar, "'"),
                          absl::StrCat("first in line ", entry.first.place.line));
      return;
    }
    if (frame.node.entries.size() >= kMaxEntries) {
      diagnostics_->Error(key.place, absl::StrCat("more than ", kMaxEntries, " keys in one map"));
      throw Stop();
    }
    frame.node.entries.push_back({std::move(key), std::move(value)});
  }

  const std::string* file_;
  const YamlLimits limits_;
  Diagnostics* diagnostics_;
  size_t nodes_ = 0;
  std::vector<Frame> stack_;
  std::optional<YamlNode> root_;
};

// Length of the UTF-8 sequence at `i`, 0 if it is not valid. Sets `*code_point`.
size_t DecodeUtf8(std::string_view s, size_t i, uint32_t* code_point) {
  const auto byte = [&](size_t k) { return static_cast<uint8_t>(s[k]); };
  const uint8_t lead = byte(i);
  if (lead < 0x80) {
    *code_point = lead;
    return 1;
  }
  const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || i + length > s.size()) return 0;
  uint32_t value = lead & (0x7Fu >> length);
  for (size_t k = 1; k < length; ++k) {
    if ((byte(i + k) & 0xC0) != 0x80) return 0;
    value = (value << 6) | (byte(i + k) & 0x3Fu);
  }
  static constexpr uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (value < kSmallest[length] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) {
    return 0;
  }
  *code_point = value;
  return length;
}

// Control characters, and those that make a text look different from what it is.
bool IsForbidden(uint32_t c) {
  if (c < 0x20) return c != '\n' && c != '\r' && c != '\t';
  return c == 0x7F || (c >= 0x80 && c < 0xA0) || c == 0x200E || c == 0x200F ||
         (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || c == 0xFEFF;
}

bool CheckCharacters(std::string_view text, const std::string* file, Diagnostics* diagnostics) {
  Place place{file, 1, 1};
  for (size_t i = 0; i < text.size();) {
    uint32_t c = 0;
    const size_t length = DecodeUtf8(text, i, &c);
    if (length == 0) {
      diagnostics->Error(place, "not valid UTF-8");
      return false;
    }
    if (IsForbidden(c)) {
      diagnostics->Error(
          place, absl::StrCat("character U+", absl::Hex(c, absl::kZeroPad4), " is not allowed"),
          "control and direction characters are refused, a byte order mark too");
      return false;
    }
    if (c == '\n') {
      ++place.line;
      place.column = 1;
    } else {
      ++place.column;
    }
    i += length;
  }
  return true;
}

}  // namespace

const YamlNode* YamlNode::Find(std::string_view key) const {
  for (const Entry& entry : entries) {
    if (entry.first.scalar == key) return &entry.second;
  }
  return nullptr;
}

bool IsValidUtf8(std::string_view text) {
  uint32_t c = 0;
  for (size_t i = 0; i < text.size();) {
    const size_t length = DecodeUtf8(text, i, &c);
    if (length == 0) return false;
    i += length;
  }
  return true;
}

std::optional<YamlNode> ParseYaml(std::string_view text, const std::string* file,
                                  const YamlLimits& limits, Diagnostics* diagnostics) {
  if (text.size() > limits.max_bytes) {
    diagnostics->Error({file, 0, 0}, absl::StrCat("larger than ", limits.max_bytes, " bytes"));
    return std::nullopt;
  }
  if (!CheckCharacters(text, file, diagnostics)) return std::nullopt;
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    TreeBuilder builder(file, limits, diagnostics);
    if (!parser.HandleNextDocument(builder)) {
      diagnostics->Error({file, 1, 1}, "the file is empty");
      return std::nullopt;
    }
    std::optional<YamlNode> root = builder.Take();
    TreeBuilder second(file, limits, diagnostics);
    if (parser.HandleNextDocument(second)) {
      diagnostics->Error({file, 0, 0}, "more than one document in the file",
                         "remove the line '---' between them");
      return std::nullopt;
    }
    return root;
  } catch (const Stop&) {
    // Already reported.
  } catch (const YAML::Exception& e) {
    diagnostics->Error({file, e.mark.line + 1, e.mark.column + 1},
                       absl::StrCat("not valid YAML: ", e.msg));
  } catch (const std::exception&) {
    diagnostics->Error({file, 0, 0}, "the file could not be parsed");
  }
  return std::nullopt;
}

}  // namespace piivault::authz
