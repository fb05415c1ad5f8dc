#include "vault/ledger/notice_survey.h"

#include <algorithm>

#include "vault/records/subject_rows.h"

namespace piivault::vault {

bool WasTold(const storage::v1::SubjectUse& use, const NoticeToAll& notice) {
  return std::any_of(
      use.matters().begin(), use.matters().end(), [&](const storage::v1::MatterRow& matter) {
        return matter.kind() == notice.kind &&
               absl::FromUnixMicros(matter.open_micros()) < notice.before &&
               std::find(notice.ids.begin(), notice.ids.end(), matter.id()) != notice.ids.end();
      });
}

void NoticeSurvey::Ask(const NoticeToAll& notice) {
  if (notice_.has_value() && notice.FollowsFrom(*notice_)) return;
  *this = NoticeSurvey();
  notice_ = notice;
}

absl::Status NoticeSurvey::Step(const storage::Engine& engine, const TenantScope& tenant,
                                size_t limit) {
  const storage::Key prefix = storage::SubjectPrefix(tenant.id());
  if (next_.empty()) next_ = prefix.bytes;
  size_t seen = 0;
  absl::Status opened;
  std::string last;
  const absl::Status scanned =
      engine.Scan(prefix, next_, limit, [&](std::string_view key, std::string_view value) {
        ++seen;
        last = key;
        const absl::StatusOr<SubjectState> subject =
            OpenSubject(tenant, storage::IdSuffix(key), value);
        if (!subject.ok()) {
          opened = subject.status();
          return false;
        }
        // Who was erased but for what a law keeps cannot be told, and is in nobody's package.
        const storage::v1::SubjectUse& use = subject->row.use();
        const bool gone = subject->erased() || use.erase_micros() != 0;
        if (!gone && !WasTold(use, *notice_)) ++untold_;
        return true;
      });
  if (!scanned.ok()) return scanned;
  if (!opened.ok()) return opened;
  done_ = seen < limit;
  next_ = last + '\0';
  return absl::OkStatus();
}

}  // namespace piivault::vault
