#include "vault/audit/entry_builder.h"

#include <arpa/inet.h>

#include <array>
#include <cstring>
#include <optional>

#include "vault/text.h"

namespace piivault::vault {
namespace {

struct Address {
  bool v6 = false;
  std::array<uint8_t, 16> bytes{};  // 4 of them for IPv4

  std::string_view view() const {
    return {reinterpret_cast<const char*>(bytes.data()), v6 ? size_t{16} : size_t{4}};
  }
};

// Without brackets, port and zone.
std::string HostOf(std::string_view rest, bool v6) {
  if (!v6) return std::string(rest.substr(0, rest.find(':')));
  std::string_view host = rest;
  if (ConsumePrefix(&host, "%5B") || ConsumePrefix(&host, "[")) {
    host = host.substr(0, std::min(host.find("%5D"), host.find(']')));
  }
  return std::string(host.substr(0, host.find('%')));
}

std::optional<Address> ParsePeer(std::string_view peer) {
  Address address;
  if (ConsumePrefix(&peer, "ipv6:")) {
    address.v6 = true;
  } else if (!ConsumePrefix(&peer, "ipv4:")) {
    return std::nullopt;
  }
  const std::string host = HostOf(peer, address.v6);
  if (inet_pton(address.v6 ? AF_INET6 : AF_INET, host.c_str(), address.bytes.data()) != 1) {
    return std::nullopt;
  }
  static constexpr std::array<uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (address.v6 && std::memcmp(address.bytes.data(), kMapped.data(), kMapped.size()) == 0) {
    Address v4;
    std::memcpy(v4.bytes.data(), address.bytes.data() + kMapped.size(), 4);
    return v4;
  }
  return address;
}

std::string Print(const Address& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(address.v6 ? AF_INET6 : AF_INET, address.bytes.data(), text.data(),
            static_cast<socklen_t>(text.size()));
  return text.data();
}

}  // namespace

std::string FormatPeer(std::string_view peer, authz::PeerForm form, const HmacKey& key) {
  std::optional<Address> address = ParsePeer(peer);
  if (!address.has_value()) return {};
  switch (form) {
    case authz::PeerForm::kPlain:
      return Print(*address);
    case authz::PeerForm::kTruncated: {
      const size_t kept = address->v6 ? 6 : 3;
      std::memset(address->bytes.data() + kept, 0, address->bytes.size() - kept);
      return Concat({Print(*address), address->v6 ? "/48" : "/24"});
    }
    case authz::PeerForm::kHashed: {
      const HmacKey::Tag tag = key.Compute(Concat({"piivault peer v1", address->view()}));
      return ToHex({reinterpret_cast<const char*>(tag.data()), 8});
    }
  }
  return {};
}

storage::v1::Decision DecisionFor(authz::Reason reason) {
  using authz::Reason;
  if (reason == Reason::kOk) return storage::v1::DECISION_GRANTED;
  // The list is in groups: up to kConsentMissing it says who may not do what to whose data.
  if (reason <= Reason::kConsentMissing) return storage::v1::DECISION_DENIED;
  switch (authz::ReasonCode(reason)) {
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
      return storage::v1::DECISION_DENIED;
    default:
      break;
  }
  return reason == Reason::kProposalRequired || reason == Reason::kProposalSelfApproval ||
                 reason == Reason::kLastAdministrators
             ? storage::v1::DECISION_DENIED
             : storage::v1::DECISION_FAILED;
}

storage::v1::EntryBody NewEntryBody(const EntryHeader& header, authz::Reason reason) {
  storage::v1::EntryBody body;
  body.set_time_micros(absl::ToUnixMicros(header.time));
  if (!header.principal.empty()) {
    body.set_principal(Concat({"principals/", header.principal}));
  }
  body.set_certificate_sha256(header.certificate_sha256.data(), header.certificate_sha256.size());
  body.set_method(header.method.data(), header.method.size());
  if (!header.tenant.empty()) body.set_tenant(Concat({"tenants/", header.tenant}));
  body.set_policy_sha256(header.policy_sha256.data(), header.policy_sha256.size());
  body.set_peer(header.peer.data(), header.peer.size());
  body.set_decision(DecisionFor(reason));
  if (reason != authz::Reason::kOk) {
    const std::string_view name = authz::ReasonName(reason);
    body.set_reason(name.data(), name.size());
  }
  return body;
}

storage::EntryDraft DraftEntry(const storage::v1::EntryRetained& retained,
                               const storage::v1::EntryBody& body, RandomSource& random) {
  storage::EntryDraft draft;
  retained.SerializeToString(&draft.retained);
  random.Fill(absl::MakeSpan(draft.salt));
  body.SerializeToString(&draft.body);
  return draft;
}

storage::EntryDraft DraftEntry(const storage::v1::EntryBody& body, RandomSource& random) {
  return DraftEntry(storage::v1::EntryRetained(), body, random);
}

}  // namespace piivault::vault
