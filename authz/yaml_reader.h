// Reads typed values out of a policy's tree and reports what does not fit, with hints.
#ifndef PIIVAULT_AUTHZ_YAML_READER_H_
#define PIIVAULT_AUTHZ_YAML_READER_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "authz/diagnostics.h"
#include "authz/policy_spec.h"
#include "authz/yaml_tree.h"

namespace piivault::authz {

// A word of a closed vocabulary.
using Words = std::span<const std::string_view>;

// [A-Za-z][A-Za-z0-9_]*, at most 63; with `dots` also "." and "-" inside.
bool IsIdentifier(std::string_view text, bool dots = false);

// " (did you mean …)" for diagnostics: the candidate nearest to `word`, or "".
std::string DidYouMean(std::string_view word, const std::vector<std::string_view>& candidates);

// 64 lower-case hexadecimal digits.
bool IsSha256Hex(std::string_view text);

// "'word'", cut at 40 bytes, with characters that are not printable ASCII as \x...
std::string Quote(std::string_view word);

// One word of `words`; reports others. `what` completes "unknown …".
std::string ReadWord(const YamlNode& node, Words words, std::string_view what,
                     Diagnostics* diagnostics);

// "30d", "12h", "90m", "45s", "6w", "3mo", "5y", or "0"; reports others.
std::string ReadDuration(const YamlNode& node, Diagnostics* diagnostics);
// Its length where it is the same at any time: of seconds to weeks, and of `0`; not of months and
// years.
std::optional<absl::Duration> FixedDuration(std::string_view duration);

// Reads one map. Every key that is asked for is known; Finish reports the rest. A scalar where a
// list is asked for counts as a list of one. Not thread-safe; borrows node and diagnostics.
class MapReader {
 public:
  // Reports if `node` is not a map; all reads then find nothing. `what` names it in messages.
  MapReader(const YamlNode& node, std::string_view what, Diagnostics* diagnostics);

  const Place& place() const { return node_->place; }
  Diagnostics* diagnostics() const { return diagnostics_; }
  // Where `key` is, or the map where it is absent.
  Place PlaceOf(std::string_view key) const;

  // Null where absent. A key with an empty value is reported and counts as absent.
  const YamlNode* Get(std::string_view key);
  // The same; reports its absence.
  const YamlNode* Require(std::string_view key);

  std::string String(std::string_view key, std::string fallback = "");
  bool Bool(std::string_view key, bool fallback = false);
  int64_t Int(std::string_view key, int64_t low, int64_t high, int64_t fallback);
  std::string Identifier(std::string_view key);
  std::string Word(std::string_view key, Words words, std::string fallback = "");
  std::vector<std::string> WordList(std::string_view key, Words words);
  std::vector<std::string> IdentifierList(std::string_view key, bool dots = false);
  std::string Duration(std::string_view key);
  // Scalars of a list, or the one scalar; nodes live as long as the tree.
  std::vector<const YamlNode*> Scalars(std::string_view key);
  // A plain text, or a map from language to text.
  Labels LabelsOf(std::string_view key);
  // clause, assumed, note.
  Origin ReadOrigin();

  // Reports keys that nobody asked for.
  void Finish();

 private:
  const YamlNode* node_;
  std::string what_;
  Diagnostics* diagnostics_;
  std::vector<std::string_view> known_;
};

}  // namespace piivault::authz

#endif  // PIIVAULT_AUTHZ_YAML_READER_H_
