#include "vault/service/audit_service.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "authz/decision.h"
#include "piivault/v1/audit_service.pb.h"
#include "vault/audit/entry_terms.h"
#include "vault/crypto/sha256.h"
#include "vault/keys/page_token.h"
#include "vault/service/entry_view.h"
#include "vault/service/errors.h"
#include "vault/service/explain_access.h"
#include "vault/service/session.h"

namespace piivault::vault {
namespace {

constexpr int kDefaultPageSize = 100;
constexpr int kMaxPageSize = 1000;
// Entries that one call reads at most; a page may be shorter than asked for, and the next goes on.
constexpr uint64_t kMaxScan = 20'000;
// The same for a message of a tail, or a look at the log that finds nothing to send: it comes again
// soon, and every tail of every reader does it on the thread that serves calls.
constexpr uint64_t kTailScan = 1'000;
// Entries read at a time: fewer where they are large, as those of calls about many people are.
constexpr uint64_t kFirstStep = 50;
constexpr uint64_t kScanStep = 500;
constexpr size_t kStepBytes = size_t{4} << 20;
// A message ends with the entry that brings it over this.
constexpr size_t kMessageBytes = size_t{1} << 20;
constexpr absl::Duration kTailPause = absl::Milliseconds(200);
constexpr absl::Duration kPageTokenLifetime = absl::Hours(1);

constexpr authz::SystemRoles kReaders = {authz::SystemRole::kVaultAdmin,
                                         authz::SystemRole::kVaultAuditor};

// kOk where the caller may read the log.
authz::Reason Authorize(const Session& session) {
  return authz::DecideSystemRole(session.principal(), kReaders, session.now());
}

// Where reading stands.
struct Cursor {
  uint64_t next = 0;
  bool at_end = false;
};

// The next entries behind `cursor` that may match.
absl::StatusOr<storage::LogIndex::Page> ReadSome(const AuditDependencies& dependencies,
                                                 const std::string& term, uint64_t from,
                                                 uint64_t step) {
  if (!term.empty()) return dependencies.index.QueryTerm(term, from, step);
  absl::StatusOr<std::vector<storage::StoredEntry>> entries =
      dependencies.engine.ReadEntries(from, step);
  if (!entries.ok()) return entries.status();
  storage::LogIndex::Page page;
  page.entries = *std::move(entries);
  page.next_index = from + page.entries.size();
  page.at_end = page.entries.size() < step;
  page.examined = page.entries.size();
  return page;
}

size_t SizeOf(const storage::LogIndex::Page& page) {
  size_t bytes = 0;
  for (const storage::StoredEntry& entry : page.entries) bytes += entry.entry.body.size();
  return bytes;
}

// Reads matching entries from `cursor` on, below `end`, into `emit`, at most `limit` of them and
// what a message holds, and looks at no more than `max_scan`.
template <typename Emit>
absl::Status ReadMatching(const CallContext& context, const AuditDependencies& dependencies,
                          const EntryQuery& query, uint64_t end, int limit, uint64_t max_scan,
                          Cursor* cursor, Emit emit) {
  const std::string term = query.Term();
  uint64_t step = kFirstStep;
  int found = 0;
  size_t bytes = 0;
  const auto full = [&] { return found >= limit || bytes >= kMessageBytes; };
  uint64_t seen = 0;
  cursor->at_end = cursor->next >= end;
  // A page by the index may look at as many entries again above its watermark.
  while (!cursor->at_end && !full() && seen + (term.empty() ? step : 2 * step) <= max_scan) {
    const absl::StatusOr<storage::LogIndex::Page> page =
        ReadSome(dependencies, term, cursor->next, step);
    if (!page.ok()) return page.status();
    const size_t size = SizeOf(*page);
    step = size > kStepBytes ? std::max<uint64_t>(step / 4, 1) : std::min(step * 2, kScanStep);
    // A page may be empty and yet not the last.
    seen += std::max<uint64_t>(1, page->examined);
    // The page may reach behind `end`, which was taken before it: what is there comes next time.
    uint64_t next = std::min(page->next_index, end);
    for (const storage::StoredEntry& entry : page->entries) {
      if (entry.position.index >= end) break;
      Yield(context);
      const absl::StatusOr<storage::v1::EntryBody> body = ParseBody(entry);
      if (!body.ok()) return body.status();
      if (!query.Matches(*body)) continue;
      emit(entry.position, *body);
      ++found;
      bytes += entry.entry.body.size();
      if (!full()) continue;
      next = entry.position.index + 1;
      break;
    }
    cursor->at_end = next >= end || (page->at_end && !full());
    cursor->next = cursor->at_end ? std::max(next, end) : next;
  }
  return absl::OkStatus();
}

class ListEntriesHandler : public Handler {
 public:
  explicit ListEntriesHandler(const AuditDependencies& dependencies)
      : dependencies_(dependencies) {}

  Plan Next(CallContext& context) override {
    Session session(context, dependencies_.store, dependencies_.random);
    if (!session.identified()) return session.Refuse();
    const authz::Reason reason = Authorize(session);
    if (reason != authz::Reason::kOk) return session.Refuse(reason);
    const auto& request = RequestAs<v1::ListEntriesRequest>(context);
    if (request.page_size() < 0) return session.Refuse(BadArgument("page_size"));
    const int page_size =
        request.page_size() == 0 ? kDefaultPageSize : std::min(request.page_size(), kMaxPageSize);

    const absl::StatusOr<EntryQuery> query =
        ResolveFilter(request.filter(), dependencies_.engine, session.state());
    if (!query.ok()) return session.Refuse(query.status());
    const std::string principal(session.principal_name());
    const PageTokenBinding binding{principal, context.method.name,
                                   Sha256(request.filter().SerializeAsString())};
    Cursor cursor;
    if (!request.page_token().empty()) {
      const absl::StatusOr<std::string> opened =
          OpenPageToken(session.keys(), binding, request.page_token(), session.now());
      if (!opened.ok() || !absl::SimpleAtoi(*opened, &cursor.next)) {
        return session.Refuse(authz::Reason::kPageTokenInvalid);
      }
    }

    auto* response = NewResponse<v1::ListEntriesResponse>(context);
    const absl::Status read = ReadMatching(
        context, dependencies_, *query, dependencies_.engine.LogEnd().index, page_size, kMaxScan,
        &cursor, [&](const storage::LogPosition& position, const storage::v1::EntryBody& body) {
          FillEntry(position, body, response->add_entries());
        });
    if (!read.ok()) return session.Refuse(read);
    if (!cursor.at_end) {
      response->set_next_page_token(SealPageToken(session.keys(), dependencies_.random, binding,
                                                  absl::StrCat(cursor.next),
                                                  session.now() + kPageTokenLifetime));
    }
    return session.Answer(response, session.NewEntry());
  }

 private:
  const AuditDependencies& dependencies_;
};

// One entry at the opening and one at the close; what is sent between them has none, or reading the
// log would write it.
class TailEntriesHandler : public Handler {
 public:
  explicit TailEntriesHandler(const AuditDependencies& dependencies)
      : dependencies_(dependencies) {}

  Plan Next(CallContext& context) override {
    Session session(context, dependencies_.store, dependencies_.random);
    if (!session.identified()) return session.Refuse();
    const authz::Reason reason = Authorize(session);
    if (reason != authz::Reason::kOk) return session.Refuse(reason);
    if (!query_) {
      const auto& request = RequestAs<v1::TailEntriesRequest>(context);
      absl::StatusOr<EntryQuery> query =
          ResolveFilter(request.filter(), dependencies_.engine, session.state());
      if (!query.ok()) return session.Refuse(query.status());
      opening_ = *std::move(query);
      start_ =
          request.has_start_index() ? request.start_index() : dependencies_.engine.LogEnd().index;
      return session.Answer(NewResponse<v1::TailEntriesResponse>(context), session.NewEntry());
    }

    auto* response = NewResponse<v1::TailEntriesResponse>(context);
    read_ = cursor_;
    const absl::Status read =
        ReadMatching(context, dependencies_, *query_, dependencies_.engine.LogEnd().index,
                     kMaxPageSize, kTailScan, &read_,
                     [&](const storage::LogPosition& position, const storage::v1::EntryBody& body) {
                       FillEntry(position, body, response->add_entries());
                     });
    if (!read.ok()) return session.Refuse(read);
    Plan plan;
    if (response->entries().empty()) {
      cursor_ = read_;
      plan.idle = cursor_.at_end ? kTailPause : absl::ZeroDuration();
    } else {
      plan.response = response;
      plan.without_entry = true;
    }
    return plan;
  }

  void Committed(const storage::LogPosition* /*position*/) override {
    if (!query_) {
      query_ = std::move(opening_);
      cursor_.next = start_;
    } else {
      cursor_ = read_;
    }
  }

  bool HasMore() const override { return true; }

  std::optional<Plan> Close(CallContext& context) override {
    Session session(context, dependencies_.store, dependencies_.random);
    // A stream that was cut because the caller may no longer read does not close with a grant.
    const authz::Reason reason = session.identified() ? Authorize(session) : session.problem();
    storage::v1::EntryBody entry = session.NewEntry(reason);
    entry.set_resource("close");
    return session.Answer(nullptr, entry);
  }

 private:
  const AuditDependencies& dependencies_;
  std::optional<EntryQuery> query_;  // set once the opening is durable
  EntryQuery opening_;
  uint64_t start_ = 0;
  Cursor cursor_;
  Cursor read_;
};

}  // namespace

absl::Status RegisterAuditService(const AuditDependencies& dependencies, MethodTable* methods) {
  absl::Status status = methods->Register("piivault.v1.AuditService/ListEntries", [&dependencies] {
    return std::make_unique<ListEntriesHandler>(dependencies);
  });
  if (!status.ok()) return status;
  status = methods->Register("piivault.v1.AuditService/ExplainAccess", [&dependencies] {
    return MakeExplainAccess(dependencies.store, dependencies.random);
  });
  if (!status.ok()) return status;
  return methods->Register("piivault.v1.AuditService/TailEntries", [&dependencies] {
    return std::make_unique<TailEntriesHandler>(dependencies);
  });
}

}  // namespace piivault::vault
