#include "tests/authz/naive_grounds.h"

#include <string_view>

#include "tests/authz/naive_consent.h"

namespace piivault::authz::naive {
namespace {

bool GoodTicket(std::string_view ticket) {
  if (ticket.empty() || ticket.size() > 64) return false;
  for (char c : ticket) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool digit = c >= '0' && c <= '9';
    if (!letter && !digit && std::string_view("-_./:#").find(c) == std::string_view::npos) {
      return false;
    }
  }
  return true;
}

}  // namespace

Grounds::Grounds(const Text& text, const Asked& asked, const SubjectFacts* facts, const Role& role)
    : text_(text),
      asked_(asked),
      in_(*asked.input),
      facts_(facts),
      role_(role),
      verb_(Verbs().at(asked.verb)) {
  if (verb_.purpose != "no") purpose_ = text.FindPurpose(std::string(in_.purpose));
  if (purpose_ != nullptr) rests_on_ = purpose_->name;
  if (purpose_ != nullptr && !purpose_->follows.empty()) rests_on_ = NamedParent();
}

std::optional<std::string> Grounds::ArgumentNamed(const std::string& name) const {
  for (const Argument& argument : in_.arguments) {
    if (argument.name == name) return std::string(argument.value);
  }
  return std::nullopt;
}

std::string Grounds::NamedParent() const {
  for (const Argument& argument : in_.arguments) {
    const std::string value(argument.value);
    if (argument.name == "parent" && Has(purpose_->follows, value)) return value;
  }
  return "";
}

Reason Grounds::CheckRequest() const {
  if (!in_.ticket.empty() && !GoodTicket(in_.ticket)) return Reason::kTicketInvalid;
  const bool ticket = (purpose_ != nullptr && purpose_->ticket) ||
                      (verb_.purpose != "no" && Has(role_.needs, "ticket"));
  if (ticket && in_.ticket.empty()) return Reason::kTicketMissing;
  if (purpose_ != nullptr) {
    for (const std::string& need : purpose_->needs) {
      if (!ArgumentNamed(need).has_value()) return Reason::kArgumentMissing;
    }
    if (!purpose_->follows.empty()) {
      const Purpose* parent = text_.FindPurpose(NamedParent());
      if (parent == nullptr) return Reason::kPurposeParentUnknown;
      if (parent->ticket && in_.ticket.empty()) return Reason::kTicketMissing;
      for (const std::string& need : parent->needs) {
        if (!ArgumentNamed(need).has_value()) return Reason::kArgumentMissing;
      }
    }
  }
  for (const auto* needs : Matters()) {
    if (!needs->empty() && !NamesOne(*needs)) return Reason::kArgumentMissing;
  }
  for (const auto* needs : Matters()) {
    if (!FitsSoFar(*needs)) return Reason::kMatterUnknown;
  }
  const bool collects = asked_.verb == "create" || asked_.verb == "tokenize";
  if (collects && text_.notice_required && in_.notice.empty()) return Reason::kNoticeMissing;
  if (collects && !in_.notice.empty() && !text_.notices.empty() &&
      text_.notices.count(std::string(in_.notice)) == 0) {
    return Reason::kNoticeUnknown;
  }
  if (role_.kind == "subject" && in_.on_behalf_of.empty() && asked_.verb != "create") {
    return Reason::kSubjectRequired;
  }
  const Reason intake = CheckIntake();
  if (intake != Reason::kOk) return intake;
  if (verb_.on == "fields" && asked_.fields.empty()) return Reason::kFieldMissing;
  return Reason::kOk;
}

// What the purpose and what the role rest on.
std::vector<const std::vector<MatterNeed>*> Grounds::Matters() const {
  std::vector<const std::vector<MatterNeed>*> matters;
  if (purpose_ != nullptr) matters.push_back(&purpose_->matters);
  if (purpose_ != nullptr && !purpose_->follows.empty()) {
    const Purpose* parent = text_.FindPurpose(NamedParent());
    if (parent != nullptr) matters.push_back(&parent->matters);
  }
  if (verb_.purpose != "no") matters.push_back(&role_.matters);
  return matters;
}

bool Grounds::NamesOne(const std::vector<MatterNeed>& needs) const {
  for (const MatterNeed& need : needs) {
    if (ArgumentNamed(need.kind).has_value()) return true;
  }
  return false;
}

// Whether, as far as that can be seen without the person, one of them fits.
bool Grounds::FitsSoFar(const std::vector<MatterNeed>& needs) const {
  if (needs.empty() || AnyFits(needs, false)) return true;
  for (const MatterNeed& need : needs) {
    const bool named = ArgumentNamed(need.kind).has_value();
    if (named && text_.matters.at(need.kind).about != "tenant") return true;
  }
  return false;
}

// How data comes in. What those who work with the data correct (update) and say nothing of came in
// by no channel; services bring in what somebody entered.
Reason Grounds::CheckIntake() const {
  if (!verb_.writes) return Reason::kOk;
  const bool says_nothing = in_.channel.empty() && in_.front_hop == FrontHop::kUnspecified;
  const bool entered = role_.kind == "service" || role_.kind == "subject";
  if (asked_.verb == "update" && says_nothing && !entered) return Reason::kOk;
  if (in_.channel.empty()) {
    if (text_.record_channel) return Reason::kChannelMissing;
  } else if (!text_.channels.empty() && !Has(text_.channels, std::string(in_.channel))) {
    return Reason::kChannelNotAllowed;
  }
  const bool accepted = !text_.intake || text_.allow_plain == "always" ||
                        (text_.allow_plain == "per_tenant_choice" && in_.tenant_allows_plain);
  const bool plain = in_.front_hop != FrontHop::kTls;
  return plain && !accepted ? Reason::kChannelNotAllowed : Reason::kOk;
}

Reason Grounds::CheckSubject() const {
  if (facts_ == nullptr) return Reason::kOk;
  if (facts_->erased) return Reason::kSubjectErased;
  if (role_.kind == "subject") {
    const Reason whose = CheckWhose();
    if (whose != Reason::kOk) return whose;
  }
  for (const auto* needs : Matters()) {
    if (!needs->empty() && !AnyFits(*needs, true)) return Reason::kMatterUnknown;
  }
  if (verb_.uses && NoticeForbids(text_, *facts_, in_.now, rests_on_)) {
    return Reason::kNoticeForbids;
  }
  if (purpose_ != nullptr && purpose_->consent &&
      !AgreedToUse(text_, *facts_, in_.now, purpose_->name,
                   {"purpose_extension", "policy_change"})) {
    return Reason::kConsentMissing;
  }
  if (!verb_.writes) return Reason::kOk;
  Names written;  // What is cleared is not collected.
  for (const std::string& name : asked_.fields) {
    if (!Has(asked_.cleared, name) && text_.fields.count(name) > 0) written.push_back(name);
  }
  return MissingAtCollection(text_, in_, *facts_, "", written);
}

Reason Grounds::CheckWhose() const {
  if (asked_.verb == "create" && facts_->subject.empty()) return Reason::kOk;
  const std::string_view who = in_.on_behalf_of;
  if (who.empty()) return Reason::kNotOwnRecord;
  if (role_.scope == "represented") {
    for (const RepresentativeFact& fact : facts_->representatives) {
      if (fact.subject == who && in_.now <= fact.not_after) return Reason::kOk;
    }
    return Reason::kNotOwnRecord;
  }
  if (who == facts_->subject) {
    return facts_->holder.empty() ? Reason::kOk : Reason::kMemberWithoutId;
  }
  const bool holder = role_.scope == "own_account" && who == facts_->holder;
  return holder ? Reason::kOk : Reason::kNotOwnRecord;
}

// `also_others`: those about a person or a controller too.
bool Grounds::AnyFits(const std::vector<MatterNeed>& needs, bool also_others) const {
  for (const MatterNeed& need : needs) {
    const std::string& about = text_.matters.at(need.kind).about;
    if (about != "tenant" && !also_others) continue;
    for (const MatterFact& fact : about == "subject" ? facts_->matters : in_.matters) {
      if (Fits(fact, need)) return true;
    }
  }
  return false;
}

bool Grounds::Fits(const MatterFact& fact, const MatterNeed& need) const {
  const std::optional<std::string> id = ArgumentNamed(need.kind);
  if (!id.has_value() || fact.kind != need.kind || fact.id != *id) return false;
  if (!Has(need.states, std::string(fact.state)) || fact.not_after < in_.now) return false;
  if (text_.matters.at(need.kind).about == "controller" &&
      (facts_->controller.empty() || fact.party != facts_->controller)) {
    return false;
  }
  if (fact.purposes.empty()) return true;
  for (std::string_view purpose : fact.purposes) {
    if (purpose.empty()) continue;
    if (purpose == in_.purpose || purpose == rests_on_) return true;
  }
  return false;
}

}  // namespace piivault::authz::naive
