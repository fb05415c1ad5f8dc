#include "authz/diagnostics.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/str_cat.h"

namespace piivault::authz {

std::string Diagnostic::ToString() const {
  std::string out = file;
  if (line > 0) absl::StrAppend(&out, ":", line, ":", column);
  absl::StrAppend(&out, severity == Severity::kError ? ": error: " : ": warning: ", message);
  if (!hint.empty()) absl::StrAppend(&out, " (", hint, ")");
  return out;
}

void Diagnostics::Add(Severity severity, const Place& place, std::string message,
                      std::string hint) {
  if (severity == Severity::kError) ++errors_;
  if (items_.size() >= kMax) return;
  items_.push_back({severity, place.file == nullptr ? std::string() : *place.file, place.line,
                    place.column, std::move(message), std::move(hint)});
}

void Diagnostics::NoteKeys(std::string_view what, const std::vector<std::string_view>& keys) {
  if (keys_ == nullptr) return;
  std::set<std::string>& known = (*keys_)[std::string(what.substr(0, what.find(" '")))];
  for (std::string_view key : keys) known.emplace(key);
}

void Diagnostics::Sort() {
  std::stable_sort(items_.begin(), items_.end(), [](const Diagnostic& a, const Diagnostic& b) {
    return std::tie(a.file, a.line, a.column, a.severity) <
           std::tie(b.file, b.line, b.column, b.severity);
  });
}

std::string Diagnostics::ToString() const {
  std::string out;
  size_t listed = 0;
  for (const Diagnostic& item : items_) {
    absl::StrAppend(&out, item.ToString(), "\n");
    if (item.severity == Severity::kError) ++listed;
  }
  if (errors_ > listed) absl::StrAppend(&out, "and ", errors_ - listed, " more errors\n");
  return out;
}

}  // namespace piivault::authz
