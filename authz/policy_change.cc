#include "authz/policy_change.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"

namespace piivault::authz {
namespace {

constexpr std::string_view kPublishedTime = "notice.published_time";
constexpr std::string_view kWhere = "notice.where";
constexpr std::string_view kDocument = "notice.document_sha256";

void Miss(std::string_view what, ChangeVerdict* verdict) {
  if (std::find(verdict->missing.begin(), verdict->missing.end(), what) == verdict->missing.end()) {
    verdict->missing.emplace_back(what);
  }
}

bool HasLeadTime(const PolicyChangeSpec& spec) {
  return spec.lead_time.find_first_of("123456789") != std::string::npos;
}

// Adds what one policy asks for.
void Ask(const Policy& policy, bool same_meaning, const StatedChange& stated, absl::Time now,
         ChangeVerdict* verdict) {
  const PolicyChangeSpec& spec = policy.policy_change();
  if (spec.stylistic_exempt && same_meaning) return;
  for (const std::string& word : spec.content) {
    if (std::find(stated.content.begin(), stated.content.end(), word) == stated.content.end()) {
      Miss(absl::StrCat("content.", word), verdict);
    }
  }
  const bool notice = !spec.notice.empty() && spec.notice != "none_required";
  if (!notice && !HasLeadTime(spec)) return;
  if (!stated.where) Miss(kWhere, verdict);
  if (stated.document_used) Miss(kDocument, verdict);
  if (!stated.published.has_value() || *stated.published > now ||
      *stated.published < stated.since) {
    Miss(kPublishedTime, verdict);
    return;
  }
  // Rows and messages keep microseconds.
  if (spec.notice == "before_effective") {
    verdict->from = std::max(verdict->from, *stated.published + absl::Microseconds(1));
  }
  if (HasLeadTime(spec)) {
    verdict->from =
        std::max(verdict->from, AddDuration(*stated.published, spec.lead_time, policy.timezone()));
  }
}

}  // namespace

ChangeVerdict CheckPolicyChange(const Policy* before, const Policy& after, bool same_meaning,
                                const StatedChange& stated, absl::Time now) {
  ChangeVerdict verdict;
  if (before == nullptr) return verdict;
  Ask(*before, same_meaning, stated, now, &verdict);
  Ask(after, same_meaning, stated, now, &verdict);
  if (!verdict.missing.empty()) {
    verdict.reason = Reason::kPolicyChangeIncomplete;
  } else if (now < verdict.from) {
    verdict.reason = Reason::kPolicyNoticeRunning;
  }
  return verdict;
}

std::optional<CalendarDuration> ParseDuration(std::string_view text) {
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  int64_t count = 0;
  if (!absl::SimpleAtoi(absl::string_view(text.data(), digits), &count)) return std::nullopt;
  const std::string_view unit = text.substr(digits);
  CalendarDuration duration;
  if (unit.empty() || unit == "s") {
    duration.exact = absl::Seconds(count);
  } else if (unit == "m" || unit == "h") {
    duration.exact = unit == "h" ? absl::Hours(count) : absl::Minutes(count);
  } else if (unit == "d" || unit == "w") {
    duration.days = unit == "w" ? 7 * count : count;
  } else {
    duration.months = unit == "y" ? 12 * count : count;
  }
  return duration;
}

absl::Time AddDuration(absl::Time start, std::string_view text, absl::TimeZone zone) {
  const std::optional<CalendarDuration> duration = ParseDuration(text);
  if (!duration.has_value()) return absl::InfiniteFuture();
  if (duration->months == 0 && duration->days == 0) return start + duration->exact;
  const absl::TimeZone::CivilInfo at = zone.At(start);
  const absl::CivilMonth month = absl::CivilMonth(at.cs) + duration->months;
  const absl::CivilDay day =
      absl::CivilDay(month.year(), month.month(), at.cs.day()) + duration->days;
  const absl::CivilSecond cs(day.year(), day.month(), day.day(), at.cs.hour(), at.cs.minute(),
                             at.cs.second());
  return absl::FromCivil(cs, zone) + at.subsecond;
}

}  // namespace piivault::authz
