// A small tree over yaml-cpp's events, for policies only.
//
// Keeps what policies need and yaml-cpp's own nodes lose: the place of every node, duplicate keys,
// whether a scalar was quoted. Refuses what policies do not need and attackers do: anchors,
// aliases, tags, several documents, depth, size, control and direction characters.
#ifndef PIIVAULT_AUTHZ_YAML_TREE_H_
#define PIIVAULT_AUTHZ_YAML_TREE_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "authz/diagnostics.h"

namespace piivault::authz {

struct YamlNode {
  enum class Kind { kNull, kScalar, kSequence, kMap };
  struct Entry;

  Kind kind = Kind::kNull;
  std::string scalar;
  Place place;
  std::vector<YamlNode> items;  // kSequence
  std::vector<Entry> entries;   // kMap; keys are scalars, each once

  bool is_scalar() const { return kind == Kind::kScalar; }
  bool is_sequence() const { return kind == Kind::kSequence; }
  bool is_map() const { return kind == Kind::kMap; }
  bool is_null() const { return kind == Kind::kNull; }
  // Null where there is none. REQUIRES: is_map().
  const YamlNode* Find(std::string_view key) const;
};

struct YamlNode::Entry {
  YamlNode first;   // the key, a scalar
  YamlNode second;  // the value
};

struct YamlLimits {
  size_t max_bytes;
  int max_depth;
  size_t max_nodes;  // Scalars (keys too), lists and maps.
};

// Parses one document. Problems go to `diagnostics`; nullopt if the text cannot be used at all.
// `file` is borrowed by the places and must outlive the tree. No exception leaves.
std::optional<YamlNode> ParseYaml(std::string_view text, const std::string* file,
                                  const YamlLimits& limits, Diagnostics* diagnostics);

// Whether every byte belongs to valid UTF-8 (no surrogates, no overlong forms).
bool IsValidUtf8(std::string_view text);

}  // namespace piivault::authz

#endif  // PIIVAULT_AUTHZ_YAML_TREE_H_
