#include "tests/authz/equivalent_mutations.h"

#include <algorithm>
#include <vector>

namespace piivault::authz {
namespace {

bool Starts(const std::string& text, const std::string& with) { return text.rfind(with, 0) == 0; }

bool Ends(const std::string& text, const std::string& with) {
  return text.size() >= with.size() && text.substr(text.size() - with.size()) == with;
}

// What stands in `text` after `before`, up to a space.
std::string After(const std::string& text, const std::string& before) {
  const size_t at = text.find(before);
  if (at == std::string::npos) return "";
  const size_t from = at + before.size();
  return text.substr(from, text.find(' ', from) - from);
}

// Whether data comes in or is used under it.
bool OfUse(const naive::Consent& consent) {
  const std::vector<std::string> events = {"collection", "link", "purpose_extension",
                                           "policy_change"};
  return std::any_of(events.begin(), events.end(),
                     [&](const std::string& event) { return naive::Has(consent.events, event); });
}

}  // namespace

std::string EquivalentMutations::OfCalls(const std::string& mutation) const {
  if (OfRoles(mutation)) return "asked when a role is given, not at calls";
  if (NoDays(mutation)) return "no day is counted in calls";
  if (OfSharing(mutation)) return "asked when something is given away, not at calls";
  return OfCallsAndRoles(mutation);
}

std::string EquivalentMutations::OfCallsAndRoles(const std::string& mutation) const {
  if (Implied(mutation)) return "another verb of the grant gives it";
  if (PassedOver(mutation)) return "no verb of the grant can have the field";
  if (NoNotice(mutation)) return "no use for that purpose asks for the notice";
  if (SameMask(mutation)) return "the mask is that of the field's type";
  if (mutation == "age" && !text_.reached_day_before && !text_.unknown_age_allowed) {
    return "it says what holds where nothing is said";
  }
  if (OthersConsent(mutation)) return "the consent is not asked at calls";
  return "";
}

bool EquivalentMutations::OfRoles(const std::string& mutation) const {
  if (!Starts(mutation, "role ")) return false;
  const naive::Role& role = *text_.FindRole(After(mutation, "role "));
  if (Ends(mutation, " holders")) return true;
  if (Ends(mutation, " needs")) return !naive::Has(role.needs, "ticket");
  const std::string need = After(mutation, " needs without ");
  return !need.empty() && need != "ticket";
}

const naive::Grant* EquivalentMutations::GrantOf(const std::string& mutation) const {
  for (const naive::Grant& grant : text_.grants) {
    if (Starts(mutation, "grant ") && grant.id == After(mutation, "grant ")) return &grant;
  }
  return nullptr;
}

bool EquivalentMutations::Implied(const std::string& mutation) const {
  const naive::Grant* grant = GrantOf(mutation);
  if (grant == nullptr || mutation.find(" may without ") == std::string::npos) return false;
  const std::string verb = After(mutation, " may without ");
  return std::any_of(grant->verbs.begin(), grant->verbs.end(), [&](const std::string& other) {
    return naive::Has(naive::Verbs().at(other).implies, verb);
  });
}

bool EquivalentMutations::CanHave(const naive::Grant& grant, const std::string& name) const {
  const naive::Field& field = text_.fields.at(name);
  const bool tenant = text_.FindRole(grant.role)->kind == "tenant";
  return std::any_of(grant.verbs.begin(), grant.verbs.end(), [&](const std::string& name_of) {
    const naive::Verb& verb = naive::Verbs().at(name_of);
    if (verb.on != "fields" || (verb.by_index && !field.index)) return false;
    if (verb.by_token && !field.tokens) return false;
    if (verb.uses && field.never_read && name_of != "verify") return false;
    if (verb.uses && field.comm_secret && (!tenant || name_of == "export")) return false;
    if (verb.shows && grant.view == "masked" && field.mask == Mask::kNone) return false;
    return !verb.shows || grant.view != "token" || field.tokens;
  });
}

bool EquivalentMutations::PassedOver(const std::string& mutation) const {
  const naive::Grant* grant = GrantOf(mutation);
  if (grant == nullptr || mutation.find(" may ") != std::string::npos) return false;
  const std::string type = After(mutation, " with all of ");
  if (!type.empty()) {
    for (const std::string& name : text_.FieldsOf(type)) {
      if (!naive::Has(grant->fields, name) && CanHave(*grant, name)) return false;
    }
    return true;
  }
  const std::string left_out = After(mutation, " without ");
  return text_.fields.count(left_out) > 0 && !CanHave(*grant, left_out);
}

// Whether some grant rests on whether notices name the purpose.
bool EquivalentMutations::NoticeAsked(const std::string& name) const {
  const naive::Purpose& purpose = *text_.FindPurpose(name);
  if (!purpose.follows.empty()) return false;  // Its parent's counts.
  return std::any_of(text_.grants.begin(), text_.grants.end(), [&](const naive::Grant& grant) {
    const bool rests =
        std::any_of(grant.purposes.begin(), grant.purposes.end(), [&](const std::string& other) {
          return other == name || naive::Has(text_.FindPurpose(other)->follows, name);
        });
    const bool uses = std::any_of(grant.verbs.begin(), grant.verbs.end(),
                                  [](const auto& v) { return naive::Verbs().at(v).uses; });
    return rests && (naive::Has(grant.when, "noticed") || (uses && !purpose.despite_notice));
  });
}

bool EquivalentMutations::NoNotice(const std::string& mutation) const {
  std::string purpose;
  if (Starts(mutation, "notice ")) {
    purpose = After(mutation, " purposes without ");
    if (purpose.empty()) purpose = After(mutation, " for ");
  } else if (Starts(mutation, "purpose ") && Ends(mutation, " despite notice")) {
    purpose = After(mutation, "purpose ");
  }
  return !purpose.empty() && !NoticeAsked(purpose);
}

bool EquivalentMutations::SameMask(const std::string& mutation) const {
  if (!Ends(mutation, " mask")) return false;
  const naive::Field& field = text_.fields.at(mutation.substr(0, mutation.find(' ')));
  return GetSemanticType(*FindSemanticType(field.semantic)).masks[0] == field.mask;
}

bool EquivalentMutations::NoDays(const std::string& mutation) const {
  const bool days = !text_.acknowledged_document.empty() ||
                    std::any_of(text_.consents.begin(), text_.consents.end(),
                                [](const naive::Consent& c) { return c.under_age > 0; });
  return mutation == "timezone" && !days;
}

bool EquivalentMutations::OthersConsent(const std::string& mutation) const {
  if (!Starts(mutation, "consent ")) return false;
  const naive::Consent& consent = *text_.FindConsent(After(mutation, "consent "));
  if (naive::Has(consent.events, "third_party")) {
    return Ends(mutation, " scope") || Ends(mutation, " who");
  }
  return !OfUse(consent);
}

bool EquivalentMutations::OfSharing(const std::string& mutation) const {
  if (Starts(mutation, "consent ")) {
    return !OfUse(*text_.FindConsent(After(mutation, "consent ")));
  }
  if (!Starts(mutation, "matter ")) return false;
  const std::string kind = After(mutation, "matter ");
  const auto asks = [&](const auto& one) {
    return std::any_of(one.matters.begin(), one.matters.end(),
                       [&](const naive::MatterNeed& need) { return need.kind == kind; });
  };
  return std::none_of(text_.purposes.begin(), text_.purposes.end(), asks) &&
         std::none_of(text_.roles.begin(), text_.roles.end(), asks);
}

}  // namespace piivault::authz
