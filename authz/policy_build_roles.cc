// Roles and grants: what the decision enforces.

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "authz/policy_builder.h"
#include "authz/vocabulary.h"

namespace piivault::authz {
namespace {

std::vector<std::string_view> VerbNames() {
  std::vector<std::string_view> names;
  names.reserve(std::size(kVerbs));
  for (const VerbInfo& verb : kVerbs) names.push_back(verb.name);
  return names;
}

// Takes `word` out of `words`; whether it was there.
bool Take(std::vector<std::string>& words, std::string_view word) {
  return std::erase(words, word) > 0;
}

constexpr absl::Duration kLongestBreakGlass = absl::Hours(4);

// What is decided for good, or about the emergencies themselves.
bool OutlivesEmergencies(Verb verb) {
  return verb == Verb::kReadAudit || verb == Verb::kApproveGrant ||
         verb == Verb::kApproveException || verb == Verb::kApprovePurpose ||
         verb == Verb::kApproveDestruction;
}

View ViewOf(const std::string& word) {
  if (word == "masked") return View::kMasked;
  if (word == "token") return View::kToken;
  return View::kPlain;
}

}  // namespace

void PolicyBuilder::ReadRoles(MapReader& root) {
  if (const YamlNode* node = root.Get("nda_when_not_stated"); node != nullptr) {
    has_nda_default_ = true;
    if (!(node->is_scalar() && node->scalar == "none")) {
      nda_default_ = ReadNdaKinds(root, "nda_when_not_stated");
    }
  }
  const YamlNode* node = root.Require("roles");
  if (node == nullptr) return;
  MapReader all(*node, "roles", diagnostics_);
  if (!node->is_map()) return;
  // Names first: `access` may name a role that stands further down.
  for (const YamlNode::Entry& entry : node->entries) ReadRole(entry.first, entry.second);
  for (const RoleSpec& role : policy_->roles_) {
    if (role.access == "direct" || role.access == "in_person") continue;
    if (policy_->FindRole(role.access) == nullptr) {
      diagnostics_->Error({&policy_->text_.name, role.origin.line, 1},
                          absl::StrCat("role '", role.name, "': access through ",
                                       Quote(role.access), ", which is no role"),
                          "direct, in_person, or the role that acts for it");
    }
  }
}

void PolicyBuilder::ReadRole(const YamlNode& key, const YamlNode& body) {
  if (!IsIdentifier(key.scalar)) {
    diagnostics_->Error(key.place, absl::StrCat(Quote(key.scalar), " is not a role name"),
                        "ASCII letters, digits and '_', starting with a letter");
    return;
  }
  if (FindSystemRole(key.scalar).has_value() || key.scalar.rfind("vault_", 0) == 0) {
    diagnostics_->Error(key.place, absl::StrCat("'", key.scalar, "' is a role of the vault itself"),
                        "choose another name");
    return;
  }
  if (!Claim("role", key.scalar, key.place)) return;
  if (policy_->roles_.size() >= Policy::kMaxRoles) {
    diagnostics_->Error(key.place, absl::StrCat("more than ", Policy::kMaxRoles, " roles"));
    return;
  }
  RoleSpec role;
  role.id = static_cast<RoleId>(policy_->roles_.size());
  role.name = key.scalar;
  MapReader reader(body, absl::StrCat("role '", role.name, "'"), diagnostics_);
  role.labels = reader.LabelsOf("label");
  role.origin = reader.ReadOrigin();
  reader.Require("kind");
  const std::string kind = reader.Word("kind", vocabulary::kRoleKinds, "staff");
  for (size_t i = 0; i < vocabulary::kRoleKinds.size(); ++i) {
    if (vocabulary::kRoleKinds[i] == kind) role.kind = static_cast<RoleKind>(i);
  }
  const std::string scope = reader.Word("scope", vocabulary::kRoleScopes,
                                        role.kind == RoleKind::kTenant    ? "own_tenant"
                                        : role.kind == RoleKind::kSubject ? "own_record"
                                                                          : "any");
  for (size_t i = 0; i < vocabulary::kRoleScopes.size(); ++i) {
    if (vocabulary::kRoleScopes[i] == scope) role.scope = static_cast<RoleScope>(i);
  }
  const bool subject_scope = role.scope == RoleScope::kOwnRecord ||
                             role.scope == RoleScope::kOwnAccount ||
                             role.scope == RoleScope::kRepresented;
  if (subject_scope != (role.kind == RoleKind::kSubject) ||
      (role.scope == RoleScope::kOwnTenant) != (role.kind == RoleKind::kTenant)) {
    diagnostics_->Error(reader.PlaceOf("scope"),
                        absl::StrCat("scope ", scope, " does not go with kind ", kind));
  }
  for (const YamlNode* item : reader.Scalars("employment")) {
    const std::optional<Employment> employment = FindEmployment(item->scalar);
    if (employment.has_value()) {
      role.employment.push_back(*employment);
    } else {
      diagnostics_->Error(item->place, absl::StrCat("unknown employment ", Quote(item->scalar)),
                          "officer, full_time, contract, equivalent, part_time, outsourced");
    }
  }
  role.duties = reader.IdentifierList("duty");
  role.department = reader.Identifier("department");
  role.per_department = !reader.Word("per", vocabulary::kPer).empty();
  ReadNda(role, reader);
  ReadRoleNeeds(role, reader);
  role.holders = static_cast<uint32_t>(reader.Int("holders", 1, 100000, 0));
  role.access = reader.String("access", "direct");
  role.assignable = role.access == "direct";
  ReadBreakGlass(role, reader);
  no_pii_.push_back(!reader.Word("pii", vocabulary::kPii).empty());
  reader.Finish();
  policy_->IndexRole(std::move(role));
}

std::vector<AttestationKind> PolicyBuilder::ReadNdaKinds(MapReader& reader, std::string_view key) {
  std::vector<AttestationKind> kinds;
  for (const YamlNode* item : reader.Scalars(key)) {
    const std::optional<AttestationKind> kind = FindAttestationKind(item->scalar);
    if (!kind.has_value()) {
      diagnostics_->Error(item->place,
                          absl::StrCat("unknown kind of attestation ", Quote(item->scalar)),
                          "nda_contract, pledge, security_pledge, work_rules, partner_nda; or "
                          "none, or not_stated");
    } else if (*kind == AttestationKind::kAcknowledgement) {
      diagnostics_->Error(item->place, "an acknowledgement is not an NDA",
                          "attested: [acknowledgement]");
    } else if (IsOfRecipientsOnly(*kind)) {
      diagnostics_->Error(item->place,
                          absl::StrCat("'", item->scalar, "' is signed by recipients only"));
    } else {
      kinds.push_back(*kind);
    }
  }
  return kinds;
}

void PolicyBuilder::ReadNda(RoleSpec& role, MapReader& reader) {
  const YamlNode* node = reader.Get("nda");
  if (node != nullptr && node->is_scalar() && node->scalar == "not_stated") {
    role.nda_not_stated = true;
    role.nda = nda_default_;
    if (!has_nda_default_) {
      diagnostics_->Error(node->place, "nda: not_stated, and the policy does not say what then",
                          "add nda_when_not_stated: [nda_contract, pledge], or none");
    }
  } else if (node != nullptr && !(node->is_scalar() && node->scalar == "none")) {
    role.nda = ReadNdaKinds(reader, "nda");
    if (node->is_sequence() && node->items.empty()) {
      diagnostics_->Error(node->place, "an empty list would never admit anybody", "nda: none");
    }
  } else if (node == nullptr && role.kind == RoleKind::kStaff) {
    diagnostics_->Error(reader.place(),
                        absl::StrCat("role '", role.name, "' does not say which NDA it asks for"),
                        "nda: [nda_contract, pledge], none, or not_stated");
  }
  role.equivalent_needs_nda = reader.Bool("equivalent_needs_nda", true);
  for (const YamlNode* item : reader.Scalars("attested")) {
    const std::optional<AttestationKind> kind = FindAttestationKind(item->scalar);
    if (!kind.has_value()) {
      diagnostics_->Error(item->place,
                          absl::StrCat("unknown kind of attestation ", Quote(item->scalar)));
      continue;
    }
    if (IsOfRecipientsOnly(*kind)) {
      diagnostics_->Error(item->place,
                          absl::StrCat("'", item->scalar, "' is signed by recipients only"));
    }
    if (*kind == AttestationKind::kAcknowledgement && policy_->acknowledgement() == nullptr) {
      diagnostics_->Error(item->place, "the policy does not say which text is to be acknowledged",
                          "acknowledgement: {document: SHA-256 of the text}");
    }
    role.attested.push_back(*kind);
  }
}

void PolicyBuilder::ReadRoleNeeds(RoleSpec& role, MapReader& reader) {
  role.needs = reader.WordList("needs", vocabulary::kRoleNeeds);
  role.needs_ticket = Take(role.needs, "ticket");
  role.needs_justification = Take(role.needs, "justification");
  role.needs_end_date = Take(role.needs, "end_date");
  role.needs_fields = Take(role.needs, "fields");
  role.matters = ReadMatterNeeds(reader, "matter");
}

void PolicyBuilder::ReadBreakGlass(RoleSpec& role, MapReader& reader) {
  const YamlNode* node = reader.Get("break_glass");
  if (node == nullptr) return;
  const std::string text = reader.Duration("break_glass");
  if (text.empty()) return;
  const bool span = text.ends_with('s') || text.ends_with('m') || text.ends_with('h');
  absl::Duration longest;
  if (!span || !absl::ParseDuration(text, &longest) || longest <= absl::ZeroDuration() ||
      longest > kLongestBreakGlass) {
    diagnostics_->Error(node->place, "more than 0 and at most 4h are needed", "break_glass: 4h");
    return;
  }
  if (role.kind != RoleKind::kStaff || !role.assignable) {
    diagnostics_->Error(node->place, "only staff who are given the role themselves can take it",
                        "kind: staff, access: direct");
    return;
  }
  role.break_glass = longest;
  role.needs_justification = true;  // Given in advance, so it is said what for.
}

void PolicyBuilder::ReadProhibitions(MapReader& root) {
  for (const YamlNode* node : root.Scalars("forbidden_employment")) {
    const std::optional<Employment> employment = FindEmployment(node->scalar);
    if (!employment.has_value()) {
      diagnostics_->Error(node->place, absl::StrCat("unknown employment ", Quote(node->scalar)));
      continue;
    }
    policy_->forbidden_employment_.push_back(*employment);
    for (const RoleSpec& role : policy_->roles_) {
      if (std::find(role.employment.begin(), role.employment.end(), *employment) ==
          role.employment.end())
        continue;
      diagnostics_->Error(node->place, absl::StrCat("role '", role.name, "' admits ", node->scalar,
                                                    ", which is forbidden to everybody"));
    }
  }
  for (const YamlNode* node : root.Scalars("prohibited_types")) {
    const std::optional<ProhibitedType> type = FindProhibitedType(node->scalar);
    if (type.has_value()) {
      policy_->prohibited_types_.push_back(*type);
    } else {
      diagnostics_->Error(node->place,
                          absl::StrCat("unknown prohibited type ", Quote(node->scalar)),
                          "card_number, card_expiry, card_cvv");
    }
  }
}

void PolicyBuilder::ReadGrants(MapReader& root) {
  const YamlNode* node = root.Require("grants");
  if (node == nullptr) return;
  if (!node->is_sequence()) {
    diagnostics_->Error(node->place, "'grants': a list is needed");
    return;
  }
  if (node->items.size() > Policy::kMaxGrants) {
    diagnostics_->Error(node->place, absl::StrCat("more than ", Policy::kMaxGrants, " grants"));
    return;
  }
  for (const YamlNode& item : node->items) ReadGrant(item);
}

void PolicyBuilder::ReadGrant(const YamlNode& node) {
  MapReader reader(node, "grant", diagnostics_);
  if (!node.is_map()) return;
  GrantSpec grant;
  const YamlNode* id = reader.Require("id");
  if (id != nullptr && (!id->is_scalar() || !IsIdentifier(id->scalar, true))) {
    diagnostics_->Error(id->place, "not a grant id", "for example eng-read");
  } else if (id != nullptr && Claim("grant", id->scalar, id->place)) {
    grant.id = id->scalar;
  }
  grant.origin = reader.ReadOrigin();
  const YamlNode* role_node = reader.Require("role");
  const std::string role_name = RoleOr(reader, "role", {});
  const RoleSpec* role = policy_->FindRole(role_name);
  if (role != nullptr) grant.role = role->id;
  reader.Require("may");
  for (const std::string& verb : reader.WordList("may", VerbNames())) {
    grant.may.push_back(*FindVerb(verb));
  }
  const std::vector<SelectedField> selected = SelectAll(reader, "fields");
  for (const SelectedField& s : selected) {
    grant.fields.push_back(s.field);
    const TypeId type = policy_->field(s.field).type;
    if (std::find(grant.types.begin(), grant.types.end(), type) == grant.types.end()) {
      grant.types.push_back(type);
    }
  }
  for (const YamlNode* item : reader.Scalars("types")) {
    const TypeId type = policy_->FindType(item->scalar);
    if (type == kNoType) {
      diagnostics_->Error(item->place, absl::StrCat("no such record type ", Quote(item->scalar)));
    } else if (std::find(grant.types.begin(), grant.types.end(), type) == grant.types.end()) {
      grant.types.push_back(type);
    }
  }
  grant.purposes = SelectPurposes(reader, "for");
  grant.view = ViewOf(reader.Word("view", vocabulary::kViews, "plain"));
  for (const std::string& word : reader.WordList("when", vocabulary::kConditions)) {
    for (size_t i = 0; i < vocabulary::kConditions.size(); ++i) {
      if (vocabulary::kConditions[i] == word) grant.when.push_back(static_cast<Condition>(i));
    }
  }
  reader.Finish();
  if (role == nullptr || role_node == nullptr) return;
  grant.index = static_cast<GrantIndex>(policy_->grants_.size());
  CheckGrant(grant, selected, node);
  policy_->grants_.push_back(std::move(grant));
}

void PolicyBuilder::CheckGrant(const GrantSpec& grant, const std::vector<SelectedField>& selected,
                               const YamlNode& node) {
  if (no_pii_[grant.role] && (!grant.fields.empty() || !grant.types.empty())) {
    diagnostics_->Error(node.place, "the role has 'pii: none' and gets fields or types");
  }
  const bool shows = std::any_of(grant.may.begin(), grant.may.end(),
                                 [](Verb verb) { return GetVerb(verb).outputs_values; });
  if (grant.view != View::kPlain && !shows && !grant.may.empty()) {
    diagnostics_->Error(node.place, "a view goes with verbs that show values",
                        "remove 'view', or add reveal");
  }
  for (Verb verb : grant.may) CheckGrantVerb(grant, verb, selected, node);
}

void PolicyBuilder::CheckGrantVerb(const GrantSpec& grant, Verb verb,
                                   const std::vector<SelectedField>& selected,
                                   const YamlNode& node) {
  const VerbInfo& info = GetVerb(verb);
  const std::string name(info.name);
  const RoleSpec& role = policy_->roles_[grant.role];
  if (role.break_glass != absl::ZeroDuration() && OutlivesEmergencies(verb)) {
    diagnostics_->Error(node.place,
                        absl::StrCat("'", name, "' cannot be granted to the break-glass role '",
                                     role.name, "': what it decides outlives the emergency"));
    return;
  }
  if (info.purpose == Need::kRequired && grant.purposes.empty()) {
    const YamlNode* purposes = node.Find("for");
    if (purposes == nullptr || purposes->items.empty()) {
      diagnostics_->Error(node.place, absl::StrCat("'", name, "' needs purposes"), "for: [...]");
    }
    return;
  }
  if (verb == Verb::kResumeUse && policy_->roles_[grant.role].kind != RoleKind::kSubject) {
    diagnostics_->Error(node.place, "'resume_use' is for the person alone",
                        "give it to a role of kind subject");
  }
  if (info.target == VerbTarget::kType && grant.types.empty()) {
    diagnostics_->Error(node.place, absl::StrCat("'", name, "' needs record types"),
                        "types: [...], or fields");
  }
  if (info.target != VerbTarget::kFields) return;
  CheckPurposeOutput(grant, verb, node.place);
  if (verb == Verb::kAggregate && grant.view == View::kMasked) {
    diagnostics_->Error(node.place,
                        "'aggregate' shows the values that many people share as they are",
                        "a grant of its own, without view: masked");
  }
  size_t left = 0;
  for (const SelectedField& s : selected) {
    const FieldSpec& field = policy_->field(s.field);
    Reason reason = FieldAllows(field, info, policy_->roles_[grant.role], grant.view);
    // A record is made without them: who may set them has 'update'.
    if (field.one_way && verb == Verb::kCreate) reason = Reason::kFieldOneWay;
    if (reason == Reason::kOk) {
      ++left;
    } else if (s.named) {
      diagnostics_->Error(s.place,
                          absl::StrCat("'", name, "' cannot be granted on '", field.full_name,
                                       "': ", std::string(GetReason(reason).meaning)));
    }
  }
  const YamlNode* fields = node.Find("fields");
  if (fields == nullptr) {
    diagnostics_->Error(node.place, absl::StrCat("'", name, "' needs fields"), "fields: [...]");
  } else if (left == 0 && (!selected.empty() || fields->items.empty())) {
    diagnostics_->Error(fields->place, absl::StrCat("'", name, "' matches no field here"));
  }
}

void PolicyBuilder::CheckPurposeOutput(const GrantSpec& grant, Verb verb, const Place& place) {
  // What follows from a purpose shows no more than that one does.
  std::vector<PurposeId> limits = grant.purposes;
  for (PurposeId id : grant.purposes) {
    const std::vector<PurposeId>& parents = policy_->purposes_[id].parents;
    limits.insert(limits.end(), parents.begin(), parents.end());
  }
  for (PurposeId id : limits) {
    const PurposeSpec& purpose = policy_->purposes_[id];
    const bool shows_values = GetVerb(verb).outputs_values && grant.view != View::kToken;
    const bool gets_out = GetVerb(verb).outputs_values || verb == Verb::kExport;
    const bool wrong =
        (purpose.output == PurposeOutput::kTokenized && (shows_values || verb == Verb::kExport)) ||
        (purpose.output == PurposeOutput::kAggregateOnly && gets_out) ||
        (purpose.output == PurposeOutput::kPseudonym && gets_out);
    if (wrong) {
      diagnostics_->Error(place,
                          absl::StrCat("purpose '", purpose.name, "' limits the output; '",
                                       std::string(VerbName(verb)), "' goes beyond it"),
                          purpose.output == PurposeOutput::kTokenized ? "view: token" : "");
    }
  }
}

}  // namespace piivault::authz
