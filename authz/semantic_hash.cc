// The canonical form of a policy's meaning, and its hash.

#include <openssl/sha.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "authz/policy_diff.h"
#include "authz/policy_settings.h"

namespace piivault::authz {
namespace {

void Append(std::string* out, std::string_view text) {
  const uint64_t size = text.size();
  for (int shift = 56; shift >= 0; shift -= 8) {
    out->push_back(static_cast<char>((size >> shift) & 0xFF));
  }
  out->append(text);
}

std::string Digest(const std::string& text) {
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return digest;
}

// 0 .. count-1 in the order of their names.
template <typename NameOf>
std::vector<size_t> ByName(size_t count, NameOf name_of) {
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return name_of(a) < name_of(b); });
  return order;
}

class Canonical {
 public:
  explicit Canonical(const Policy& policy) : policy_(policy), table_(policy) {
    for (const Verb verb : {Verb::kReveal, Verb::kList, Verb::kReadSubject}) {
      objects_[static_cast<size_t>(GetVerb(verb).target)] =
          ByName(table_.objects(verb), [&](size_t i) { return table_.ObjectName(verb, i); });
    }
    columns_ = ByName(table_.columns(), [&](size_t i) { return ColumnName(i); });
  }

  // Role by role, so that no more than one role's cells are in memory.
  std::string Hash() const {
    std::string all("piivault policy meaning v1\0", 27);
    for (const Setting& setting : PolicySettings(policy_)) {
      Append(&all, setting.about);
      Append(&all, setting.what);
      Append(&all, setting.value);
    }
    const auto name_of = [&](size_t i) { return policy_.roles()[i].name; };
    for (size_t role : ByName(policy_.roles().size(), name_of)) {
      Append(&all, name_of(role));
      Append(&all, Digest(RoleCells(static_cast<RoleId>(role))));
    }
    return Digest(all);
  }

 private:
  std::string ColumnName(size_t column) const {
    return column == 0 ? "" : policy_.purposes()[column - 1].name;
  }

  std::string RoleCells(RoleId role) const {
    std::string out;
    for (const VerbInfo& verb : kVerbs) {
      for (size_t column : columns_) {
        if (!table_.HasSlot(role, verb.id, column)) continue;
        Append(&out, "slot");
        Append(&out, verb.name);
        Append(&out, ColumnName(column));
        for (size_t object : objects_[static_cast<size_t>(verb.target)]) {
          const std::vector<CellWay> ways = table_.Ways(role, verb.id, column, object);
          if (ways.empty()) continue;
          Append(&out, table_.ObjectName(verb.id, object));
          AppendWays(ways, &out);
        }
      }
    }
    return out;
  }

  static void AppendWays(const std::vector<CellWay>& ways, std::string* out) {
    std::string text;
    for (const CellWay& way : ways) {
      Append(&text, ViewName(way.view));
      std::string conditions;
      for (Condition condition : way.when) Append(&conditions, ConditionName(condition));
      Append(&text, conditions);
    }
    Append(out, text);
  }

  const Policy& policy_;
  const CellTable table_;
  std::vector<size_t> objects_[3];  // By VerbTarget.
  std::vector<size_t> columns_;
};

}  // namespace

std::string SemanticHash(const Policy& policy) { return Canonical(policy).Hash(); }

}  // namespace piivault::authz
