#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "authz/explain.h"
#include "authz/policy_cells.h"
#include "ops/cli/calls.h"
#include "ops/cli/json_writer.h"
#include "ops/cli/policy_tools.h"
#include "ops/cli/text.h"

namespace piivault::ops {
namespace {

absl::Status NoEntry(uint64_t index) {
  return absl::NotFoundError(absl::StrCat("there is no entry ", index,
                                          " that the caller may read; `piivault audit list` shows "
                                          "positions as log/generation/index"));
}

// The log is read from there on; the opening of that reading is an entry behind it.
absl::StatusOr<v1::Entry> FetchEntry(Session& session, uint64_t index) {
  absl::StatusOr<Connection*> vault = session.Connect();
  if (!vault.ok()) return vault.status();
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() +
                       absl::ToChronoMilliseconds((*vault)->timeout()));
  v1::TailEntriesRequest request;
  request.set_start_index(index);
  auto reader = (*vault)->audit().TailEntries(&context, request);
  v1::TailEntriesResponse message;
  std::optional<v1::Entry> found;
  bool beyond = false;
  while (!found.has_value() && !beyond && reader->Read(&message)) {
    beyond = message.has_receipt() && message.receipt().index() <= index;
    if (message.entries_size() == 0) continue;
    if (message.entries(0).position().index() != index) break;
    found = message.entries(0);
  }
  context.TryCancel();
  while (reader->Read(&message)) {
  }
  const grpc::Status status = reader->Finish();
  if (found.has_value()) return *std::move(found);
  if (!beyond && !status.ok() && status.error_code() != grpc::StatusCode::CANCELLED) {
    return FromGrpc(status);
  }
  return NoEntry(index);
}

const authz::GrantSpec* FindGrant(const authz::Policy& policy, const std::string& id) {
  for (const authz::GrantSpec& grant : policy.grants()) {
    if (grant.id == id) return &grant;
  }
  return nullptr;
}

// What an entry says, with what the policy of that time says of it.
class EntryStory {
 public:
  EntryStory(const v1::Entry& entry, const authz::Policy* policy, const std::string& language)
      : entry_(entry), policy_(policy), language_(language) {}

  std::string Text() const;
  std::string Json() const;

 private:
  std::string Labelled(const std::string& name, const authz::Labels& labels) const {
    const std::string label(authz::LabelIn(labels, language_));
    return label.empty() ? name : absl::StrCat(name, " (", label, ")");
  }
  const authz::RoleSpec* role() const {
    return policy_ == nullptr ? nullptr : policy_->FindRole(entry_.role());
  }
  const authz::PurposeSpec* purpose() const {
    return policy_ == nullptr ? nullptr : policy_->FindPurpose(entry_.purpose());
  }
  // Each once, of all items.
  std::set<std::string> Grants() const;
  std::string GrantText(const std::string& id) const;
  void AddReason(const std::string& reason, const std::string& before, std::string* out) const;
  void AddItems(std::string* out) const;

  const v1::Entry& entry_;
  const authz::Policy* policy_;
  const std::string& language_;
};

std::set<std::string> EntryStory::Grants() const {
  std::set<std::string> grants;
  for (const v1::EntryItem& item : entry_.items()) {
    grants.insert(item.grants().begin(), item.grants().end());
  }
  return grants;
}

std::string EntryStory::GrantText(const std::string& id) const {
  const authz::GrantSpec* grant = policy_ == nullptr ? nullptr : FindGrant(*policy_, id);
  if (grant == nullptr) return absl::StrCat("grant ", id);
  std::string text = absl::StrCat("grant ", id);
  if (!grant->origin.clause.empty()) absl::StrAppend(&text, " (", grant->origin.clause, ")");
  if (grant->origin.assumed) text += ", assumed";
  if (!grant->origin.note.empty()) absl::StrAppend(&text, ": ", grant->origin.note);
  for (authz::Condition condition : grant->when) {
    absl::StrAppend(&text, "; asks that ", std::string(authz::ConditionName(condition)));
  }
  return text;
}

void EntryStory::AddReason(const std::string& reason, const std::string& before,
                           std::string* out) const {
  if (reason.empty()) return;
  absl::StrAppend(out, before, "reason: ", reason);
  const auto known = authz::FindReason(reason);
  if (known.has_value()) {
    const authz::ReasonInfo& info = authz::GetReason(*known);
    absl::StrAppend(out, ": ", std::string(info.meaning), "\n", before,
                    "what to do: ", std::string(info.remedy));
  }
  *out += "\n";
}

void EntryStory::AddItems(std::string* out) const {
  for (const v1::EntryItem& item : entry_.items()) {
    if (item.fields_size() > 0) {
      absl::StrAppend(out, "released or written: ", absl::StrJoin(item.fields(), ", "), "\n");
    }
    if (item.denied_fields_size() > 0) {
      absl::StrAppend(out, "denied: ", absl::StrJoin(item.denied_fields(), ", "), "\n");
    }
    if (!item.role().empty()) absl::StrAppend(out, "  decided under role ", item.role(), "\n");
    AddReason(item.reason(), "  ", out);
  }
}

std::string EntryStory::Text() const {
  std::string out = absl::StrCat(
      "entry ", FormatField(entry_, "position"), " of ", FormatField(entry_, "time"), "\n",
      entry_.method(), " by ", entry_.principal().empty() ? "somebody unknown" : entry_.principal(),
      ": ", FormatField(entry_, "decision"), "\n");
  AddReason(entry_.reason(), "", &out);
  if (!entry_.role().empty()) {
    const authz::RoleSpec* spec = role();
    absl::StrAppend(&out, "role: ",
                    spec == nullptr ? entry_.role() : Labelled(entry_.role(), spec->labels), "\n");
    if (spec != nullptr) {
      absl::StrAppend(&out, "  asks for: ", absl::StrJoin(authz::RoleAsks(*policy_, *spec), "; "),
                      "\n");
      if (!spec->origin.clause.empty()) {
        absl::StrAppend(&out, "  clause: ", spec->origin.clause, "\n");
      }
    }
  }
  if (!entry_.purpose().empty()) {
    const authz::PurposeSpec* spec = purpose();
    absl::StrAppend(&out, "purpose: ",
                    spec == nullptr ? entry_.purpose() : Labelled(entry_.purpose(), spec->labels),
                    "\n");
  }
  if (!entry_.attestation().empty()) {
    absl::StrAppend(&out, "admitted by attestation: ", entry_.attestation(), "\n");
  }
  if (!entry_.consent().empty()) absl::StrAppend(&out, "consent: ", entry_.consent(), "\n");
  if (!entry_.outcome().empty()) absl::StrAppend(&out, "outcome: ", entry_.outcome(), "\n");
  AddItems(&out);
  for (const std::string& id : Grants()) absl::StrAppend(&out, GrantText(id), "\n");
  if (policy_ != nullptr) {
    absl::StrAppend(&out, "policy: ", policy_->id(), " ", policy_->hash_hex(), "\n");
  }
  return out;
}

std::string EntryStory::Json() const {
  JsonWriter json;
  json.BeginObject()
      .Member("position", FormatField(entry_, "position"))
      .Member("time", FormatField(entry_, "time"))
      .Member("method", entry_.method())
      .Member("principal", entry_.principal())
      .Member("decision", FormatField(entry_, "decision"))
      .Member("reason", entry_.reason());
  if (const auto known = authz::FindReason(entry_.reason()); known.has_value()) {
    const authz::ReasonInfo& info = authz::GetReason(*known);
    json.Member("meaning", info.meaning).Member("remedy", info.remedy);
  }
  json.Member("policy", entry_.policy_sha256()).Member("role", entry_.role());
  if (role() != nullptr) {
    json.Member("role_label", authz::LabelIn(role()->labels, language_))
        .Member("role_clause", role()->origin.clause)
        .Member("role_asks", authz::RoleAsks(*policy_, *role()));
  }
  json.Member("purpose", entry_.purpose()).Member("attestation", entry_.attestation());
  json.Key("grants").BeginArray();
  for (const std::string& id : Grants()) {
    const authz::GrantSpec* grant = policy_ == nullptr ? nullptr : FindGrant(*policy_, id);
    json.BeginObject().Member("id", id);
    if (grant != nullptr) json.Member("clause", grant->origin.clause);
    json.EndObject();
  }
  return json.EndArray().EndObject().text();
}

}  // namespace

absl::StatusOr<int> ExplainEntry(Session& session, uint64_t index, const std::string& language,
                                 bool json) {
  absl::StatusOr<v1::Entry> entry = FetchEntry(session, index);
  if (!entry.ok()) return entry.status();
  PolicyPtr policy;
  if (!entry->policy_sha256().empty()) {
    absl::StatusOr<PolicyPtr> fetched = FetchPolicy(session, entry->policy_sha256());
    if (!fetched.ok()) return fetched.status();
    policy = *std::move(fetched);
  }
  const EntryStory story(*entry, policy.get(), language);
  if (json) {
    session.out() << story.Json() << "\n";
  } else {
    PrintEscaped(story.Text(), session.out());
  }
  return kExitOk;
}

}  // namespace piivault::ops
