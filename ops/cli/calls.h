// Commands that make one call and show its answer.
#ifndef PIIVAULT_OPS_CLI_CALLS_H_
#define PIIVAULT_OPS_CLI_CALLS_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ops/cli/arguments.h"
#include "ops/cli/exit_code.h"
#include "ops/cli/session.h"

namespace piivault::ops {

template <typename Stub, typename Request, typename Response>
using UnaryMethod = grpc::Status (Stub::*)(grpc::ClientContext*, const Request&, Response*);

// Completes a request when the connection, and with it the tenant, is known.
template <typename Request>
using Prepare = std::function<absl::Status(Session&, Request*)>;

// Calls the method with `request`, which the command's options have filled, and returns its answer.
template <typename Stub, typename Request, typename Response>
absl::StatusOr<Response> Ask(Session& session, Stub& (Connection::*stub)(),
                             UnaryMethod<Stub, Request, Response> method, Request request,
                             const Prepare<Request>& prepare = nullptr) {
  absl::StatusOr<Connection*> vault = session.Connect();
  if (!vault.ok()) return vault.status();
  if (prepare != nullptr) {
    if (absl::Status status = prepare(session, &request); !status.ok()) return status;
  }
  return (*vault)->Call(((*vault)->*stub)(), method, request);
}

template <typename Stub, typename Request, typename Response>
Action AskAndShow(std::shared_ptr<Request> request, Stub& (Connection::*stub)(),
                  UnaryMethod<Stub, Request, Response> method, Prepare<Request> prepare = nullptr) {
  return [request = std::move(request), stub, method,
          prepare = std::move(prepare)](Session& session) -> absl::StatusOr<int> {
    absl::StatusOr<Response> response = Ask(session, stub, method, *request, prepare);
    if (!response.ok()) return response.status();
    session.render().Show(*response);
    return kExitOk;
  };
}

// Lists what comes in pages; the answer's repeated field `field` becomes a table.
template <typename Stub, typename Request, typename Response>
Action AskAndList(std::shared_ptr<Request> request, std::shared_ptr<int64_t> limit,
                  Stub& (Connection::*stub)(), UnaryMethod<Stub, Request, Response> method,
                  const char* field, std::vector<Column> columns,
                  Prepare<Request> prepare = nullptr) {
  return [=](Session& session) -> absl::StatusOr<int> {
    absl::StatusOr<Response> all = ReadPages<Response>(
        *request, *limit, field,
        [&](const Request& page) { return Ask(session, stub, method, page, prepare); });
    if (!all.ok()) return all.status();
    session.render().List(*all, field, columns);
    return kExitOk;
  };
}

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_CLI_CALLS_H_
