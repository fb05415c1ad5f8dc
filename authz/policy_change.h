// What a policy promises of its own changes (`policy_change`), asked of a change of policy.
//
// Pure: what is stated, and when it is asked, are arguments.
#ifndef PIIVAULT_AUTHZ_POLICY_CHANGE_H_
#define PIIVAULT_AUTHZ_POLICY_CHANGE_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "authz/policy.h"
#include "authz/reason.h"

namespace piivault::authz {

// What is said of a change, held against what was said of earlier ones.
struct StatedChange {
  std::optional<absl::Time> published;    // When it was announced.
  bool where = false;                     // Whether it is said where.
  std::vector<std::string_view> content;  // Words of `policy_change.content` that have a text.
  // Since when the policy that is to be replaced is in force.
  absl::Time since = absl::InfinitePast();
  bool document_used = false;  // Whether what was published announced an earlier change already.
};

struct ChangeVerdict {
  // kOk; kPolicyChangeIncomplete, with `missing`; kPolicyNoticeRunning: `from` is not reached.
  Reason reason = Reason::kOk;
  // `notice.published_time`, `notice.where`, `notice.document_sha256`, `content.{word}`: each once.
  std::vector<std::string> missing;
  // First instant at which the change may take effect, as far as notices go; InfinitePast where
  // none is promised.
  absl::Time from = absl::InfinitePast();
};

// Whether `after` may take the place of `before` at `now`. Both policies' promises are asked for.
// What the first policy of a tenant takes the place of is nothing: then nothing is asked, and
// `before` is null. `same_meaning`: the semantic hashes are equal, of which a policy with
// `stylistic_exempt` asks nothing.
//
//   before_effective   published strictly before `now`
//   at_effective, top_page_posting   published by `now`
//   none_required      nothing, unless there is a lead_time
//   lead_time          `now` is not before the publication plus that much time, in the zone of the
//                      policy that promises it
//
// Where it is published, every policy that asks for a time asks too. A publication in the future
// has not taken place; one from before `since` announced another change, and so did a document that
// was used.
ChangeVerdict CheckPolicyChange(const Policy* before, const Policy& after, bool same_meaning,
                                const StatedChange& stated, absl::Time now);

// A duration of a policy (`90s`, `15m`, `4h`, `30d`, `2w`, `6mo`, `5y`): months or days of the
// calendar, or a time.
struct CalendarDuration {
  int64_t months = 0;
  int64_t days = 0;
  absl::Duration exact = absl::ZeroDuration();
};
// Nothing for a text that begins with no number.
std::optional<CalendarDuration> ParseDuration(std::string_view text);

// `start` and a duration as policies write it: 30d, 6w, 3mo and 5y by the calendar of `zone`, at
// the same time of day; a day that the month does not have is counted on into the next month.
// Others are spans of time. REQUIRES: `duration` came through the loader.
absl::Time AddDuration(absl::Time start, std::string_view duration, absl::TimeZone zone);

}  // namespace piivault::authz

#endif  // PIIVAULT_AUTHZ_POLICY_CHANGE_H_
