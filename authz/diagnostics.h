// What is wrong with a policy file, all of it, with places and hints.
#ifndef PIIVAULT_AUTHZ_DIAGNOSTICS_H_
#define PIIVAULT_AUTHZ_DIAGNOSTICS_H_

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace piivault::authz {

enum class Severity {
  kError,    // The policy does not load.
  kWarning,  // It loads; something deserves a look.
};

// A place in a file; line and column from 1, 0 where it is about the whole file.
struct Place {
  const std::string* file = nullptr;
  int line = 0;
  int column = 0;
};

struct Diagnostic {
  Severity severity = Severity::kError;
  std::string file;
  int line = 0;
  int column = 0;
  std::string message;
  std::string hint;  // May be empty.

  // "combzmail.yaml:12:5: error: unknown key 'feilds' (did you mean 'fields'?)"
  std::string ToString() const;
};

// Collects up to kMax findings; further errors are counted. Not thread-safe.
class Diagnostics {
 public:
  static constexpr size_t kMax = 200;
  // By kind of map ("grant", "role"): the keys that are known there.
  using KnownKeys = std::map<std::string, std::set<std::string>, std::less<>>;

  Diagnostics() = default;
  // Notes the keys of each map that is read as well; `keys` outlives this.
  explicit Diagnostics(KnownKeys* keys) : keys_(keys) {}

  void Error(const Place& place, std::string message, std::string hint = "") {
    Add(Severity::kError, place, std::move(message), std::move(hint));
  }
  void Warning(const Place& place, std::string message, std::string hint = "") {
    Add(Severity::kWarning, place, std::move(message), std::move(hint));
  }

  bool has_errors() const { return errors_ > 0; }
  size_t error_count() const { return errors_; }
  const std::vector<Diagnostic>& items() const { return items_; }
  // `what` names a map, as in messages: "role 'x'" is of the kind "role".
  void NoteKeys(std::string_view what, const std::vector<std::string_view>& keys);
  // Sorts by file and place, errors first at the same place.
  void Sort();
  // One line each.
  std::string ToString() const;

 private:
  void Add(Severity severity, const Place& place, std::string message, std::string hint);

  std::vector<Diagnostic> items_;
  size_t errors_ = 0;
  KnownKeys* keys_ = nullptr;
};

}  // namespace piivault::authz

#endif  // PIIVAULT_AUTHZ_DIAGNOSTICS_H_
