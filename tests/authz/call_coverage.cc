#include "tests/authz/call_coverage.h"

#include <algorithm>
#include <functional>
#include <map>

#include "authz/reason.h"

namespace piivault::authz {
namespace {

using naive::Consent;
using naive::Grant;
using naive::Has;
using naive::Names;
using naive::Purpose;
using naive::Role;
using naive::Text;
using naive::Verb;

// What a policy has. Each returns whether calls can come upon it.
class Features {
 public:
  explicit Features(const Text& text) : text_(text) {}

  // A role that can be given and has a grant.
  bool Roles(const std::function<bool(const Role&)>& is) const {
    return Grants([&](const Grant& grant) { return is(*text_.FindRole(grant.role)); });
  }
  bool Grants(const std::function<bool(const Grant&)>& is) const {
    return std::any_of(text_.grants.begin(), text_.grants.end(), [&](const Grant& grant) {
      return text_.FindRole(grant.role)->access == "direct" && is(grant);
    });
  }
  bool Purposes(const std::function<bool(const Purpose&)>& is) const {
    return Grants([&](const Grant& grant) {
      return std::any_of(grant.purposes.begin(), grant.purposes.end(),
                         [&](const std::string& p) { return is(*text_.FindPurpose(p)); });
    });
  }
  bool Does(const std::function<bool(const Verb&)>& is) const {
    return Grants([&](const Grant& grant) {
      return std::any_of(grant.verbs.begin(), grant.verbs.end(),
                         [&](const std::string& v) { return is(naive::Verbs().at(v)); });
    });
  }
  bool Fields(const std::function<bool(const naive::Field&)>& is) const {
    return std::any_of(text_.fields.begin(), text_.fields.end(),
                       [&](const auto& entry) { return is(entry.second); });
  }
  // A grant to write such a field.
  bool Written(const std::function<bool(const std::string&)>& is) const {
    return Grants([&](const Grant& grant) {
      const bool writes = std::any_of(grant.verbs.begin(), grant.verbs.end(),
                                      [](const auto& v) { return naive::Verbs().at(v).writes; });
      return writes && std::any_of(grant.fields.begin(), grant.fields.end(), is);
    });
  }
  // A consent to be given when data is collected that some grant to write comes upon.
  bool Collected(const std::function<bool(const Consent&)>& is) const {
    return std::any_of(text_.consents.begin(), text_.consents.end(), [&](const Consent& consent) {
      const bool collection = Has(consent.events, "collection") || Has(consent.events, "link");
      return collection && is(consent) && Written([&](const std::string& field) {
               return consent.fields.empty() || Has(consent.fields, field);
             });
    });
  }

  bool Staff() const {
    return Roles([](const Role& role) { return role.kind == "staff"; });
  }
  bool BreakGlass() const {
    return Roles([](const Role& role) { return role.break_glass; });
  }
  bool Nda() const {
    return Roles([](const Role& role) { return !role.nda.empty(); });
  }
  bool Acknowledged() const {
    return Roles([](const Role& role) { return Has(role.attested, "acknowledgement"); });
  }
  bool OtherEvidence() const {
    return Roles([](const Role& role) {
      return std::any_of(role.attested.begin(), role.attested.end(),
                         [](const std::string& kind) { return kind != "acknowledgement"; });
    });
  }
  bool Subjects() const {
    return Roles([](const Role& role) { return role.kind == "subject"; });
  }
  bool Represented() const {
    return Roles([](const Role& role) { return role.scope == "represented"; });
  }
  bool Equivalent() const {
    return !Has(text_.forbidden_employment, "equivalent") && Roles([](const Role& role) {
      return role.employment.empty() || Has(role.employment, "equivalent");
    });
  }
  bool Matters() const {
    return Purposes([](const Purpose& purpose) { return !purpose.matters.empty(); }) ||
           Roles([](const Role& role) { return !role.matters.empty(); });
  }
  bool UseConsent() const {
    return Purposes([](const Purpose& purpose) { return purpose.consent; }) || When("consented");
  }
  bool When(const std::string& condition) const {
    return Grants([&](const Grant& grant) { return Has(grant.when, condition); });
  }
  bool Young() const {
    return Collected([](const Consent& consent) { return consent.under_age > 0; });
  }
  bool FieldVerbs() const {
    return Does([](const Verb& verb) { return verb.on == "fields"; });
  }
  bool Uses() const {
    return Does([](const Verb& verb) { return verb.uses; });
  }
  // Whether some role gets to see what is frozen, as the person or not.
  bool SeesFrozen(bool as_person) const {
    return Grants([&](const Grant& grant) {
      if (!Has(grant.verbs, "reveal") && !Has(grant.verbs, "reveal_history")) return false;
      if (as_person) return text_.FindRole(grant.role)->kind == "subject";
      return text_.FindRole(grant.role)->kind != "subject" && Corrected(grant);
    });
  }
  // A use of single fields that is more than to look at the own.
  bool UsesFields() const {
    return Grants([&](const Grant& grant) {
      const bool subject = text_.FindRole(grant.role)->kind == "subject";
      return std::any_of(grant.verbs.begin(), grant.verbs.end(), [&](const std::string& name) {
        const bool looks = name == "reveal" || name == "reveal_history";
        const Verb& verb = naive::Verbs().at(name);
        return verb.on == "fields" && verb.uses && !(subject && looks);
      });
    });
  }
  // Uses of single fields for a purpose that is, or is not, open to what only a law keeps. `own`:
  // the person's looks at the own.
  bool UsesKept(bool open, bool own) const {
    return Grants([&](const Grant& grant) {
      const bool subject = text_.FindRole(grant.role)->kind == "subject";
      const bool purpose =
          std::any_of(grant.purposes.begin(), grant.purposes.end(),
                      [&](const std::string& p) { return Has(text_.open_purposes, p) == open; });
      return purpose &&
             std::any_of(grant.verbs.begin(), grant.verbs.end(), [&](const std::string& name) {
               const bool looks = name == "reveal" || name == "reveal_history";
               const Verb& verb = naive::Verbs().at(name);
               return verb.on == "fields" && verb.uses && (subject && looks) == own;
             });
    });
  }
  bool Writes() const {
    return Does([](const Verb& verb) { return verb.writes; });
  }
  bool Collects() const {
    return Grants(
        [](const Grant& g) { return Has(g.verbs, "create") || Has(g.verbs, "tokenize"); });
  }
  const Text& text() const { return text_; }

 private:
  // Whether its role works on requests about some of its fields, for one of its purposes.
  bool Corrected(const Grant& grant) const {
    const auto shares = [](const Names& some, const Names& others) {
      return std::any_of(some.begin(), some.end(),
                         [&](const std::string& name) { return Has(others, name); });
    };
    return Grants([&](const Grant& requests) {
      return requests.role == grant.role && Has(requests.verbs, "rights_request") &&
             shares(requests.fields, grant.fields) && shares(requests.purposes, grant.purposes);
    });
  }

  const Text& text_;
};

// What a reason or edge waits for, and why it stays away without that.
struct Needed {
  std::function<bool(const Features&)> there;
  std::string absent_because;
};

bool Always(const Features& f) { return !f.text().grants.empty(); }

const std::map<Reason, Needed>& ReasonNeeds() {
  using F = Features;
  static const auto* const needs = new std::map<Reason, Needed>{
      {Reason::kPrincipalUnknown, {Always, ""}},
      {Reason::kPrincipalDisabled, {Always, ""}},
      {Reason::kRoleNotGranted, {Always, ""}},
      {Reason::kRoleExpired, {Always, ""}},
      {Reason::kPrincipalKindNotAdmitted, {Always, ""}},
      {Reason::kTenantUnknown, {Always, ""}},
      {Reason::kTenantMismatch, {Always, ""}},
      {Reason::kOperationNotGranted, {Always, ""}},
      {Reason::kSubjectErased, {Always, ""}},
      {Reason::kTicketInvalid, {Always, ""}},
      {Reason::kPersonUnknown, {&F::Staff, "no role asks for a person"}},
      {Reason::kRoleNotAssignable,
       {[](const F& f) {
          return std::any_of(f.text().roles.begin(), f.text().roles.end(),
                             [](const Role& role) { return role.access != "direct"; });
        },
        "all roles can be given"}},
      {Reason::kEmploymentNotAdmitted,
       {[](const F& f) {
          return f.Roles([](const Role& role) { return !role.employment.empty(); });
        },
        "no role is of one employment"}},
      {Reason::kOutsourcingForbidden,
       {[](const F& f) { return Has(f.text().forbidden_employment, "outsourced"); },
        "outsourcing is not forbidden"}},
      {Reason::kDutyMissing,
       {[](const F& f) { return f.Roles([](const Role& role) { return !role.duties.empty(); }); },
        "no role asks for a duty"}},
      {Reason::kDepartmentMismatch,
       {[](const F& f) {
          return f.When("own_department") || f.Roles([](const Role& role) {
            return !role.department.empty() || role.per_department;
          });
        },
        "nothing is of one department"}},
      {Reason::kJustificationMissing, {&F::Equivalent, "no role is for the equivalent"}},
      {Reason::kJustificationExpired, {&F::Equivalent, "no role is for the equivalent"}},
      {Reason::kNdaMissing, {&F::Nda, "no role asks for an NDA"}},
      {Reason::kNdaExpired, {&F::Nda, "no role asks for an NDA"}},
      {Reason::kNdaRevoked, {&F::Nda, "no role asks for an NDA"}},
      {Reason::kNdaWrongSignatory, {&F::Nda, "no role asks for an NDA"}},
      {Reason::kAttestationMissing,
       {[](const F& f) { return f.OtherEvidence() || f.Acknowledged(); },
        "no role is attested anything else"}},
      {Reason::kAttestationExpired,
       {[](const F& f) { return f.OtherEvidence() || f.Acknowledged(); },
        "no role is attested anything else"}},
      {Reason::kAttestationRevoked,
       {[](const F& f) { return f.OtherEvidence() || f.Acknowledged(); },
        "no role is attested anything else"}},
      {Reason::kAttestationWrongSignatory,
       {[](const F& f) { return f.OtherEvidence() || f.Acknowledged(); },
        "no role is attested anything else"}},
      {Reason::kTypeUnknown,
       {[](const F& f) { return f.Does([](const Verb& v) { return v.on != "tenant"; }); },
        "nothing is done with records"}},
      {Reason::kPurposeMissing, {&F::FieldVerbs, "nothing is done with fields"}},
      {Reason::kPurposeUnknown, {&F::FieldVerbs, "nothing is done with fields"}},
      {Reason::kPurposeNotGranted, {&F::FieldVerbs, "nothing is done with fields"}},
      {Reason::kFieldUnknown, {&F::FieldVerbs, "nothing is done with fields"}},
      {Reason::kFieldMissing, {&F::FieldVerbs, "nothing is done with fields"}},
      {Reason::kFieldNotGranted, {&F::FieldVerbs, "nothing is done with fields"}},
      {Reason::kTicketMissing,
       {[](const F& f) {
          return f.Purposes([](const Purpose& purpose) { return purpose.ticket; }) ||
                 f.Roles([](const Role& role) { return Has(role.needs, "ticket"); });
        },
        "no purpose or role asks for a ticket"}},
      {Reason::kArgumentMissing,
       {[](const F& f) {
          return f.Matters() ||
                 f.Purposes([](const Purpose& purpose) { return !purpose.needs.empty(); });
        },
        "no purpose or role asks for an argument"}},
      {Reason::kPurposeParentUnknown,
       {[](const F& f) {
          return f.Purposes([](const Purpose& purpose) { return !purpose.follows.empty(); });
        },
        "no purpose follows from another"}},
      {Reason::kFieldNotSearchable,
       {[](const F& f) {
          return f.Does([](const Verb& verb) { return verb.by_index; }) &&
                 f.Fields([](const naive::Field& field) { return !field.index; });
        },
        "nobody searches, or all fields can be searched"}},
      {Reason::kFieldNotTokenized,
       {[](const F& f) {
          const bool granted = f.Grants([&](const Grant& grant) {
            return grant.view == "plain" && (Has(grant.verbs, "reveal")) &&
                   std::any_of(grant.fields.begin(), grant.fields.end(),
                               [&](const std::string& name) {
                                 const naive::Field& field = f.text().fields.at(name);
                                 return !field.tokens && !field.never_read &&
                                        (!field.comm_secret ||
                                         f.text().FindRole(grant.role)->kind == "tenant");
                               });
          });
          // No token leads to an earlier value.
          const bool past = f.Grants([](const Grant& grant) {
            return grant.view == "plain" && Has(grant.verbs, "reveal_history");
          });
          return granted || past || (f.Does([](const Verb& verb) {
                   return verb.by_token;
                 }) && f.Fields([](const naive::Field& field) { return !field.tokens; }));
        },
        "no field without tokens is asked for by token"}},
      {Reason::kFieldWithoutHistory,
       {[](const F& f) {
          return f.Grants([](const Grant& grant) { return Has(grant.verbs, "reveal_history"); }) &&
                 f.Fields([](const naive::Field& field) { return !field.history; });
        },
        "nobody sees earlier values, or all fields keep them"}},
      {Reason::kCommSecret,
       {[](const F& f) {
          return f.Fields([](const naive::Field& field) { return field.comm_secret; });
        },
        "no field is under the secrecy of communications"}},
      {Reason::kReadNever,
       {[](const F& f) {
          return f.Fields([](const naive::Field& field) { return field.never_read; });
        },
        "no field is never read"}},
      {Reason::kFieldRetired,
       {[](const F& f) {
          return f.Written(
              [&](const std::string& name) { return f.text().fields.at(name).retired; });
        },
        "no field that is written is retired"}},
      {Reason::kChannelNotAllowed,
       {[](const F& f) {
          const bool limited = !f.text().channels.empty() ||
                               (f.text().intake && f.text().allow_plain != "always") ||
                               f.Written([&](const std::string& name) {
                                 return !f.text().fields.at(name).channels.empty();
                               });
          return limited && f.Writes();
        },
        "data may come in any way"}},
      {Reason::kChannelMissing,
       {[](const F& f) {
          return (f.text().record_channel && f.Collects()) ||
                 f.Written([&](const std::string& name) {
                   return !f.text().fields.at(name).channels.empty();
                 });
        },
        "it need not be said how data came in"}},
      {Reason::kNoticeMissing,
       {[](const F& f) { return f.text().notice_required && f.Collects(); },
        "nobody has to say under which notice data comes in"}},
      {Reason::kNoticeUnknown,
       {[](const F& f) { return !f.text().notices.empty() && f.Collects(); },
        "nothing is collected under a notice"}},
      {Reason::kSubjectRestricted, {&F::UsesFields, "no field is used"}},
      {Reason::kRetentionOver,
       {[](const F& f) {
          return f.Does([](const Verb& verb) { return verb.on == "fields" && verb.uses; });
        },
        "no field is used"}},
      {Reason::kKeptByLaw,
       {[](const F& f) { return f.UsesKept(false, false); }, "no field is used"}},
      {Reason::kUseStopped, {&F::Uses, "nothing is used"}},
      {Reason::kSubjectRequired, {&F::Subjects, "no role acts for a person"}},
      {Reason::kNotOwnRecord, {&F::Subjects, "no role acts for a person"}},
      {Reason::kUnsubscribed,
       {[](const F& f) { return f.When("subscribed"); }, "no grant is for subscribers"}},
      {Reason::kContractEnded,
       {[](const F& f) { return f.When("contract_active"); },
        "no grant is for the time of a contract"}},
      {Reason::kConsentMissing,
       {[](const F& f) {
          return f.UseConsent() ||
                 f.Collected([](const Consent& consent) { return consent.who != "guardian"; });
        },
        "nobody is asked for consent"}},
      {Reason::kGuardianConsentMissing,
       {[](const F& f) {
          return f.Collected([](const Consent& consent) { return consent.who == "guardian"; });
        },
        "no guardian is asked"}},
      {Reason::kAgeUnknown,
       {[](const F& f) { return f.Young() && !f.text().unknown_age_allowed; },
        "age does not matter, or need not be known"}},
      {Reason::kNoticeForbids,
       {[](const F& f) { return (!f.text().notices.empty() && f.Uses()) || f.When("noticed"); },
        "nothing is collected under a notice"}},
      {Reason::kMatterUnknown, {&F::Matters, "nothing rests on a matter"}},
      {Reason::kMemberWithoutId,
       {[](const F& f) {
          return f.When("own_id") || f.Roles([](const Role& role) {
            return role.kind == "subject" && role.scope != "represented";
          });
        },
        "no member of an account calls"}},
  };
  return *needs;
}

struct EdgeNeed {
  std::string name;
  bool days = false;  // Else seconds.
  Needed needed;
};

const std::vector<EdgeNeed>& EdgeNeeds() {
  using F = Features;
  const auto collected = [](bool withdrawn) {
    return [withdrawn](const F& f) {
      return f.Collected([&](const Consent& c) { return withdrawn || !c.when.empty(); });
    };
  };
  static const auto* const needs = new std::vector<EdgeNeed>{
      {"the binding begins", false, {Always, ""}},
      {"the binding ends", false, {Always, ""}},
      {"the emergency ends", false, {&F::BreakGlass, "no role is taken in an emergency"}},
      {"the justification ends", false, {&F::Equivalent, "no role is for the equivalent"}},
      {"the NDA is signed", false, {&F::Nda, "no role asks for an NDA"}},
      {"the NDA is revoked", false, {&F::Nda, "no role asks for an NDA"}},
      {"the NDA ends", false, {&F::Nda, "no role asks for an NDA"}},
      {"the last day is over", false, {&F::Nda, "no role asks for an NDA"}},
      {"other evidence is signed", false, {&F::OtherEvidence, "no role asks for other evidence"}},
      {"other evidence is revoked", false, {&F::OtherEvidence, "no role asks for other evidence"}},
      {"other evidence ends", false, {&F::OtherEvidence, "no role asks for other evidence"}},
      {"the acknowledgement is signed", false, {&F::Acknowledged, "nothing is acknowledged"}},
      {"the acknowledgement is revoked", false, {&F::Acknowledged, "nothing is acknowledged"}},
      {"the acknowledgement ends", false, {&F::Acknowledged, "nothing is acknowledged"}},
      {"it must be acknowledged", false, {&F::Acknowledged, "nothing is acknowledged"}},
      {"the matter ends", false, {&F::Matters, "nothing rests on a matter"}},
      {"the mandate ends", false, {&F::Represented, "nobody is represented"}},
      {"the consent begins", false, {&F::UseConsent, "no use asks for consent"}},
      {"the consent is withdrawn", false, {&F::UseConsent, "no use asks for consent"}},
      {"the consent to collect is withdrawn",
       false,
       {collected(true), "no collection asks for consent"}},
      {"the consent to collect is given at the collection",
       false,
       {collected(false), "no collection asks for consent"}},
      {"the consent to collect is given at the call",
       false,
       {collected(false), "no collection asks for consent"}},
      {"the birthday is", true, {&F::Young, "age does not matter"}},
      {"the leap day's birthday is", true, {&F::Young, "age does not matter"}},
  };
  return *needs;
}

}  // namespace

std::vector<Expected> GrantsOf(const Text& text) {
  std::vector<Expected> grants;
  for (const Grant& grant : text.grants) {
    const bool direct = text.FindRole(grant.role)->access == "direct";
    grants.push_back({grant.id, "", direct ? "" : "its role is not exercised by a principal"});
  }
  return grants;
}

std::vector<Expected> ReasonsOf(const Text& text) {
  const Features features(text);
  std::vector<Expected> reasons;
  for (size_t i = 1; i < ReasonCount(); ++i) {
    const Reason reason = static_cast<Reason>(i);
    const std::string name(ReasonName(reason));
    auto needed = ReasonNeeds().find(reason);
    if (needed == ReasonNeeds().end()) {
      reasons.push_back({name, "", "the decision does not give it"});
    } else {
      const bool there = needed->second.there(features);
      reasons.push_back({name, "", there ? "" : needed->second.absent_because});
    }
  }
  return reasons;
}

std::vector<Expected> ClosedSeenOf(const Text& text) {
  const Features features(text);
  const bool open = features.UsesKept(true, false) || features.UsesKept(true, true);
  return {{kSeenByPerson, "", features.SeesFrozen(true) ? "" : "no role is the person's"},
          {kSeenByCorrector, "", features.SeesFrozen(false) ? "" : "nobody sees what is asked for"},
          {kKeptSeenByPerson, "", features.UsesKept(false, true) ? "" : "no role is the person's"},
          {kKeptSeenForLaw, "", open ? "" : "no purpose is open"}};
}

std::vector<Expected> EdgesOf(const Text& text) {
  static const Names kSeconds = {" a second ago", " now", " in a second"};
  static const Names kDays = {" in two days", " in a day", " today", " a day ago"};
  const Features features(text);
  std::vector<Expected> edges;
  for (const EdgeNeed& edge : EdgeNeeds()) {
    const std::string because = edge.needed.there(features) ? "" : edge.needed.absent_because;
    for (const std::string& when : edge.days ? kDays : kSeconds) {
      edges.push_back({edge.name + when, edge.name, because});
    }
  }
  return edges;
}

}  // namespace piivault::authz
