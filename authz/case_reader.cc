#include "authz/case_reader.h"

#include "authz/policy_builder.h"
#include "authz/policy_cases.h"

namespace piivault::authz {

std::shared_ptr<const Policy> PolicyBuilder::BuildWithCase(const std::string& yaml) {
  if (Build() == nullptr) return nullptr;
  static const std::string kName = "case";
  std::optional<YamlNode> node =
      ParseYaml(yaml, &kName, {Policy::kMaxBytes, Policy::kMaxDepth, kMaxNodes}, diagnostics_);
  if (node.has_value() && node->is_map() && node->Find("expect") == nullptr) {
    YamlNode expect;
    expect.kind = YamlNode::Kind::kScalar;
    expect.place = node->place;
    YamlNode::Entry entry{expect, expect};
    entry.first.scalar = "expect";
    entry.second.scalar = "granted";
    node->entries.push_back(std::move(entry));
  }
  if (node.has_value()) ReadCase(*node);
  diagnostics_->Sort();
  return diagnostics_->has_errors() || !node.has_value() ? nullptr : policy_;
}

std::shared_ptr<const Policy> LoadWithCase(const PolicyText& text, const std::string& yaml,
                                           Diagnostics* diagnostics) {
  return PolicyBuilder(text, diagnostics).BuildWithCase(yaml);
}

}  // namespace piivault::authz
