#include "authz/right_rules.h"

#include <algorithm>

#include "authz/decision.h"
#include "authz/vocabulary.h"

namespace piivault::authz {
namespace {

constexpr size_t kMaxArticle = 24;

template <typename Container, typename Value>
bool Contains(const Container& container, const Value& value) {
  return std::find(container.begin(), container.end(), value) != container.end();
}

// Answers that say from the start that there is nothing to be had.
bool IsAnswered(const RightSpec& right) {
  return right.answer == "not_held" || right.answer == "not_subject";
}

bool IsFor(const RightSpec& right, const RoleSpec& role, bool by_the_person) {
  if (Contains(right.who, role.name)) return true;
  switch (role.kind) {
    case RoleKind::kStaff:
    case RoleKind::kService:
      return true;
    case RoleKind::kSubject:
      return by_the_person ? Contains(right.who, "subject")
                           : Contains(right.who, "agent") || Contains(right.who, "guardian");
    case RoleKind::kTenant:
      return Contains(right.who, "tenant");
    case RoleKind::kRecipient:
    case RoleKind::kProcessor:
      break;
  }
  return false;
}

bool CitesLaw(std::string_view ground) {
  return ground == "statute_or_legal_duty" || ground == "no_legal_duty";
}

bool WeighsInterests(std::string_view ground) { return ground == "harm_to_others"; }

}  // namespace

const RightSpec* FindRight(const Policy& policy, std::string_view id) {
  for (const RightSpec& right : policy.rights()) {
    if (right.id == id) return &right;
  }
  return nullptr;
}

Reason CheckRequest(const RightSpec& right, const RequestTerms& terms, std::string_view* argument) {
  *argument = "kind";
  if (!Contains(right.kinds, terms.kind)) return Reason::kRightNotGiven;
  *argument = "right";
  const bool is_for = terms.role != nullptr && IsFor(right, *terms.role, terms.by_the_person);
  if (!is_for || IsAnswered(right)) return Reason::kRightNotGiven;
  *argument = "fields";
  const auto covered = [&right](FieldId field) { return Contains(right.fields, field); };
  if (!right.fields.empty() && !std::all_of(terms.fields.begin(), terms.fields.end(), covered)) {
    return Reason::kRightNotGiven;
  }
  *argument = "ground";
  const bool ground =
      right.grounds.empty() ? terms.ground.empty() : Contains(right.grounds, terms.ground);
  return ground ? Reason::kOk : Reason::kMalformedRequest;
}

bool AsksForIdentity(const RightSpec& right, bool by_the_person) {
  if (Contains(right.steps, "identity")) return true;
  if (right.identity == "none_stated") return false;
  return right.identity != "login" || !by_the_person;
}

bool IsIdentityMethod(const RightSpec& right, std::string_view method) {
  return right.evidence.empty() ? Contains(vocabulary::kIdentityMethods, method)
                                : Contains(right.evidence, method);
}

bool IsArticle(std::string_view text) {
  return text.size() <= kMaxArticle && IsValidTicket(text) &&
         text.find_first_of("0123456789") != std::string_view::npos;
}

Reason CheckRefusal(const Policy& policy, const RightSpec& right, const RefusalTerms& terms,
                    std::string_view* argument) {
  *argument = "ground";
  if (terms.ground.empty()) return Reason::kMalformedRequest;
  const bool excepted = terms.kind == "purpose_notice" && Contains(right.exceptions, terms.ground);
  if (!excepted && !Contains(right.refusal, terms.ground)) return Reason::kGroundNotAdmitted;
  if (RestsOnContract(terms.ground) && !terms.contract_stands) return Reason::kGroundNotAdmitted;

  const bool cites = CitesLaw(terms.ground);
  *argument = "law";
  if (cites == terms.law.empty()) return Reason::kMalformedRequest;
  if (cites && !Contains(policy.header().laws, terms.law)) return Reason::kGroundNotAdmitted;
  *argument = "article";
  if (cites ? !IsArticle(terms.article) : !terms.article.empty()) return Reason::kMalformedRequest;
  *argument = "document_sha256";
  if (WeighsInterests(terms.ground) && !terms.has_document) return Reason::kMalformedRequest;
  return Reason::kOk;
}

bool IsException(const RightSpec& right, std::string_view ground) {
  return WeighsInterests(ground) || Contains(right.exceptions, ground);
}

bool RestsOnContract(std::string_view ground) {
  return ground == "contract_active_without_termination";
}

}  // namespace piivault::authz
