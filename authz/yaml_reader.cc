#include "authz/yaml_reader.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace piivault::authz {
namespace {

size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t up = row[j];
      row[j] =
          std::min({up + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? size_t{0} : 1)});
      diagonal = up;
    }
  }
  return row[b.size()];
}

bool IsClause(std::string_view text) {
  if (text.empty() || text.size() > 200) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.' || c == ',' ||
           c == ' ' || c == '_';
  });
}

// Where the key stands; an empty value has its place at whatever follows. REQUIRES: it is there.
Place KeyPlace(const YamlNode& map, std::string_view key) {
  for (const YamlNode::Entry& entry : map.entries) {
    if (entry.first.scalar == key) return entry.first.place;
  }
  return map.place;
}

std::vector<std::string_view> ToVector(Words words) { return {words.begin(), words.end()}; }

}  // namespace

bool IsIdentifier(std::string_view text, bool dots) {
  if (text.empty() || text.size() > 63 || !absl::ascii_isalpha(static_cast<unsigned char>(text[0])))
    return false;
  for (size_t i = 1; i < text.size(); ++i) {
    const char c = text[i];
    if (absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_') continue;
    if (dots && (c == '.' || c == '-') && i + 1 < text.size()) continue;
    return false;
  }
  return true;
}

bool IsSha256Hex(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string DidYouMean(std::string_view word, const std::vector<std::string_view>& candidates) {
  if (word.size() > 64) return "";
  size_t best = std::max<size_t>(word.size() < 4 ? 1 : 2, word.size() / 3) + 1;
  std::string_view found;
  for (std::string_view candidate : candidates) {
    if (candidate.size() > 64) continue;
    const size_t distance = EditDistance(word, candidate);
    if (distance < best) {
      best = distance;
      found = candidate;
    }
  }
  return found.empty() ? "" : absl::StrCat("did you mean '", std::string(found), "'?");
}

std::string Quote(std::string_view word) {
  std::string out = "'";
  for (char c : word.substr(0, 40)) {
    if (c >= 0x20 && c < 0x7F) {
      out += c;
    } else {
      absl::StrAppend(&out, "\\x", absl::Hex(static_cast<uint8_t>(c), absl::kZeroPad2));
    }
  }
  out += word.size() > 40 ? "…'" : "'";
  return out;
}

std::string ReadWord(const YamlNode& node, Words words, std::string_view what,
                     Diagnostics* diagnostics) {
  if (!node.is_scalar()) {
    diagnostics->Error(node.place, absl::StrCat(std::string(what), ": one word is needed"));
    return "";
  }
  if (std::find(words.begin(), words.end(), node.scalar) != words.end()) return node.scalar;
  std::string hint = DidYouMean(node.scalar, ToVector(words));
  if (hint.empty() && words.size() <= 12) {
    hint = absl::StrCat("one of: ",
                        absl::StrJoin(words, ", ", [](std::string* out, std::string_view word) {
                          out->append(word);
                        }));
  }
  diagnostics->Error(node.place,
                     absl::StrCat("unknown ", std::string(what), " ", Quote(node.scalar)),
                     std::move(hint));
  return "";
}

std::string ReadDuration(const YamlNode& node, Diagnostics* diagnostics) {
  if (node.is_scalar()) {
    const std::string& text = node.scalar;
    const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    const std::string unit = text.substr(digits);
    const bool unit_ok = unit == "s" || unit == "m" || unit == "h" || unit == "d" || unit == "w" ||
                         unit == "mo" || unit == "y";
    if (digits > 0 && digits <= 6 && (unit_ok || text == "0")) return text;
  }
  diagnostics->Error(node.place, "not a duration", "for example 30d, 12h, 3mo, 5y or 0");
  return "";
}

std::optional<absl::Duration> FixedDuration(std::string_view duration) {
  if (duration == "0") return absl::ZeroDuration();
  if (duration.size() < 2) return std::nullopt;
  int64_t count = 0;
  if (!absl::SimpleAtoi(std::string(duration.substr(0, duration.size() - 1)), &count))
    return std::nullopt;
  switch (duration.back()) {
    case 's':
      return absl::Seconds(count);
    case 'm':
      return absl::Minutes(count);
    case 'h':
      return absl::Hours(count);
    case 'd':
      return absl::Hours(24 * count);
    case 'w':
      return absl::Hours(7 * 24 * count);
    default:
      return std::nullopt;
  }
}

MapReader::MapReader(const YamlNode& node, std::string_view what, Diagnostics* diagnostics)
    : node_(&node), what_(what), diagnostics_(diagnostics) {
  if (!node.is_map()) {
    diagnostics_->Error(node.place, absl::StrCat(what_, ": a map of keys and values is needed"));
  }
}

Place MapReader::PlaceOf(std::string_view key) const {
  if (node_->is_map()) {
    for (const YamlNode::Entry& entry : node_->entries) {
      if (entry.first.scalar == key) return entry.second.place;
    }
  }
  return node_->place;
}

const YamlNode* MapReader::Get(std::string_view key) {
  known_.push_back(key);
  if (!node_->is_map()) return nullptr;
  const YamlNode* found = node_->Find(key);
  if (found != nullptr && found->is_null()) {
    diagnostics_->Error(KeyPlace(*node_, key),
                        absl::StrCat("'", std::string(key), "' has no value"),
                        "give a value or remove the key");
    return nullptr;
  }
  return found;
}

const YamlNode* MapReader::Require(std::string_view key) {
  const YamlNode* found = Get(key);
  if (found == nullptr && node_->is_map() && node_->Find(key) == nullptr) {
    diagnostics_->Error(node_->place, absl::StrCat(what_, ": '", std::string(key), "' is missing"));
  }
  return found;
}

std::string MapReader::String(std::string_view key, std::string fallback) {
  const YamlNode* node = Get(key);
  if (node == nullptr) return fallback;
  if (!node->is_scalar() || node->scalar.size() > 4096) {
    diagnostics_->Error(node->place, absl::StrCat("'", std::string(key), "': a text is needed"));
    return fallback;
  }
  return node->scalar;
}

bool MapReader::Bool(std::string_view key, bool fallback) {
  const YamlNode* node = Get(key);
  if (node == nullptr) return fallback;
  if (node->is_scalar() && node->scalar == "true") return true;
  if (node->is_scalar() && node->scalar == "false") return false;
  diagnostics_->Error(node->place,
                      absl::StrCat("'", std::string(key), "': true or false is needed"));
  return fallback;
}

int64_t MapReader::Int(std::string_view key, int64_t low, int64_t high, int64_t fallback) {
  const YamlNode* node = Get(key);
  if (node == nullptr) return fallback;
  int64_t value = 0;
  if (node->is_scalar() && absl::SimpleAtoi(node->scalar, &value) && value >= low &&
      value <= high) {
    return value;
  }
  diagnostics_->Error(node->place, absl::StrCat("'", std::string(key), "': a whole number from ",
                                                low, " to ", high, " is needed"));
  return fallback;
}

std::string MapReader::Identifier(std::string_view key) {
  const YamlNode* node = Get(key);
  if (node == nullptr) return "";
  if (node->is_scalar() && IsIdentifier(node->scalar, true)) return node->scalar;
  diagnostics_->Error(node->place, absl::StrCat("'", std::string(key), "': not an identifier"),
                      "ASCII letters, digits and '_', starting with a letter");
  return "";
}

std::string MapReader::Word(std::string_view key, Words words, std::string fallback) {
  const YamlNode* node = Get(key);
  if (node == nullptr) return fallback;
  return ReadWord(*node, words, key, diagnostics_);
}

std::vector<const YamlNode*> MapReader::Scalars(std::string_view key) {
  std::vector<const YamlNode*> out;
  const YamlNode* node = Get(key);
  if (node == nullptr) return out;
  if (node->is_scalar()) return {node};
  if (!node->is_sequence()) {
    diagnostics_->Error(node->place, absl::StrCat("'", std::string(key), "': a list is needed"));
    return out;
  }
  for (const YamlNode& item : node->items) {
    if (!item.is_scalar()) {
      diagnostics_->Error(item.place,
                          absl::StrCat("'", std::string(key), "': a plain word is needed here"));
      continue;
    }
    const bool twice = std::any_of(out.begin(), out.end(), [&](const YamlNode* other) {
      return other->scalar == item.scalar;
    });
    if (twice) {
      diagnostics_->Error(item.place, absl::StrCat(Quote(item.scalar), " stands in '",
                                                   std::string(key), "' twice"));
      continue;
    }
    out.push_back(&item);
  }
  return out;
}

std::vector<std::string> MapReader::WordList(std::string_view key, Words words) {
  std::vector<std::string> out;
  for (const YamlNode* node : Scalars(key)) {
    std::string word = ReadWord(*node, words, key, diagnostics_);
    if (!word.empty()) out.push_back(std::move(word));
  }
  return out;
}

std::vector<std::string> MapReader::IdentifierList(std::string_view key, bool dots) {
  std::vector<std::string> out;
  for (const YamlNode* node : Scalars(key)) {
    if (IsIdentifier(node->scalar, dots)) {
      out.push_back(node->scalar);
    } else {
      diagnostics_->Error(node->place, absl::StrCat(Quote(node->scalar), " is not an identifier"),
                          "ASCII letters, digits and '_', starting with a letter");
    }
  }
  return out;
}

std::string MapReader::Duration(std::string_view key) {
  const YamlNode* node = Get(key);
  return node == nullptr ? "" : ReadDuration(*node, diagnostics_);
}

Labels MapReader::LabelsOf(std::string_view key) {
  Labels labels;
  const YamlNode* node = Get(key);
  if (node == nullptr) return labels;
  if (node->is_scalar()) return {{"", node->scalar}};
  if (!node->is_map()) {
    diagnostics_->Error(node->place, "a text, or a map from language to text, is needed",
                        "label: {en: Support, ja: …}");
    return labels;
  }
  for (const YamlNode::Entry& entry : node->entries) {
    const std::string& language = entry.first.scalar;
    const bool tag_ok = language.size() >= 2 && language.size() <= 11 &&
                        std::all_of(language.begin(), language.end(), [](char c) {
                          return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-';
                        });
    if (!tag_ok || !entry.second.is_scalar()) {
      diagnostics_->Error(entry.first.place, "a language tag and a text are needed",
                          "label: {en: Support, ja: …}");
      continue;
    }
    labels.emplace_back(language, entry.second.scalar);
  }
  return labels;
}

Origin MapReader::ReadOrigin() {
  Origin origin;
  std::vector<std::string> clauses;
  for (const YamlNode* node : Scalars("clause")) {
    if (!IsClause(node->scalar)) {
      diagnostics_->Error(node->place, "not the name of a clause", "for example 000-14");
      continue;
    }
    clauses.push_back(node->scalar);
  }
  origin.clause = absl::StrJoin(clauses, ",");
  origin.assumed = Bool("assumed");
  origin.note = String("note");
  origin.line = node_->place.line;
  return origin;
}

void MapReader::Finish() {
  if (!node_->is_map()) return;
  diagnostics_->NoteKeys(what_, known_);
  for (const YamlNode::Entry& entry : node_->entries) {
    if (std::find(known_.begin(), known_.end(), entry.first.scalar) != known_.end()) continue;
    std::string hint = DidYouMean(entry.first.scalar, known_);
    if (hint.empty() && known_.size() <= 20) {
      hint = absl::StrCat("known here: ",
                          absl::StrJoin(known_, ", ", [](std::string* out, std::string_view key) {
                            out->append(key);
                          }));
    }
    diagnostics_->Error(entry.first.place,
                        absl::StrCat("unknown key ", Quote(entry.first.scalar), " in ", what_),
                        std::move(hint));
  }
}

}  // namespace piivault::authz
