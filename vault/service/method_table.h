#ifndef PIIVAULT_VAULT_SERVICE_METHOD_TABLE_H_
#define PIIVAULT_VAULT_SERVICE_METHOD_TABLE_H_

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "vault/service/handler.h"

namespace piivault::vault {

// One method of the wire, whether or not it has a handler.
struct MethodInfo {
  using Factory = std::function<std::unique_ptr<Handler>()>;

  std::string name;        // `piivault.v1.VaultService/RevealRecord`, as entries and metrics say it
  std::string service;     // `piivault.v1.VaultService`
  bool streaming = false;  // server streaming
  bool paged = false;      // its request has a page_size: one may ask for much in few bytes
  bool works = false;      // its handler may ask for work, which a client that hangs up gives up
  const google::protobuf::MethodDescriptor* descriptor = nullptr;
  // Borrowed from the generated pool; null for the entry that stands for unknown methods.
  const google::protobuf::Message* request_prototype = nullptr;
  const google::protobuf::Message* response_prototype = nullptr;
  Factory factory;  // empty: denied by default, with an entry

  std::string path() const { return "/" + name; }
};

// Every method that the server answers for. Built before the server starts, then read only.
//
// Guarantees: each method of an added service is served or denied by the one path of the transport;
// what is in no added service is UNIMPLEMENTED.
// Not thread-safe while it is being built; afterwards const methods are.
class MethodTable {
 public:
  // Adds every method of a service, without handlers. The service must be linked in.
  // NOT_FOUND for an unknown service; ALREADY_EXISTS; INVALID_ARGUMENT where a method takes a
  // stream of requests or its response has no `piivault.v1.Receipt receipt = 15`.
  [[nodiscard]] absl::Status AddService(std::string_view service);

  // Gives a method of an added service its handler. `name` and `works` as in MethodInfo.
  // NOT_FOUND; ALREADY_EXISTS.
  [[nodiscard]] absl::Status Register(std::string_view name, MethodInfo::Factory factory,
                                      bool works = false);

  // The position in methods() is the method's number; addresses are stable once it is built.
  const std::vector<MethodInfo>& methods() const { return methods_; }
  const MethodInfo* Find(std::string_view name) const;

 private:
  std::vector<MethodInfo> methods_;
};

// Number of the receipt's field in every response message.
inline constexpr int kReceiptField = 15;

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_METHOD_TABLE_H_
