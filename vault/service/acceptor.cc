#include "vault/service/acceptor.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "vault/service/observer.h"

namespace piivault::vault {
namespace {

constexpr int kBacklog = 1024;
// Pause after descriptors ran out, so that the thread does not spin while others hold them.
constexpr int kExhaustedPauseMs = 20;
// Connections taken from one listener before the next has its turn.
constexpr int kBurst = 64;

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

absl::StatusOr<SocketAddress> ParseAddress(const std::string& text) {
  const size_t colon = text.rfind(':');
  int port = -1;
  if (colon == std::string::npos || !absl::SimpleAtoi(text.substr(colon + 1), &port) || port < 0 ||
      port > 65535) {
    return absl::InvalidArgumentError("listen address needs the form 127.0.0.1:8443 or [::1]:8443");
  }
  std::string host = text.substr(0, colon);
  SocketAddress address;
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(static_cast<uint16_t>(port));
    address.size = sizeof *v6;
    if (inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &v6->sin6_addr) == 1) {
      return address;
    }
  } else {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
    v4->sin_family = AF_INET;
    v4->sin_port = htons(static_cast<uint16_t>(port));
    address.size = sizeof *v4;
    if (inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1) return address;
  }
  return absl::InvalidArgumentError("listen address needs a numeric host");
}

int SparePart() { return open("/dev/null", O_RDONLY | O_CLOEXEC); }

bool OutOfDescriptors(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

Acceptor::Acceptor(size_t max_connections, Observer* observer)
    : max_connections_(max_connections), observer_(observer) {}

absl::StatusOr<std::unique_ptr<Acceptor>> Acceptor::Listen(
    const std::vector<std::string>& addresses, size_t max_connections, Observer* observer) {
  if (addresses.empty()) return absl::InvalidArgumentError("no address to listen on");
  std::unique_ptr<Acceptor> acceptor(new Acceptor(max_connections, observer));
  acceptor->spare_ = SparePart();
  if (acceptor->spare_ < 0 || pipe2(acceptor->wake_, O_CLOEXEC | O_NONBLOCK) != 0) {
    return absl::ErrnoToStatus(errno, "cannot open descriptors");
  }
  for (const std::string& address : addresses) {
    absl::StatusOr<int> listener = acceptor->Bind(address);
    if (!listener.ok()) return listener.status();
    acceptor->listeners_.push_back(*listener);
  }
  return acceptor;
}

Acceptor::~Acceptor() {
  Stop();
  for (int fd : {spare_, wake_[0], wake_[1]}) {
    if (fd >= 0) close(fd);
  }
}

absl::StatusOr<int> Acceptor::Bind(const std::string& text) {
  absl::StatusOr<SocketAddress> address = ParseAddress(text);
  if (!address.ok()) return address.status();
  const int family = address->storage.ss_family;
  const int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return absl::ErrnoToStatus(errno, "socket");
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  // Else [::] takes IPv4 too, and listening on both would fail.
  if (family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address->storage), address->size) != 0 ||
      listen(fd, kBacklog) != 0) {
    const absl::Status status = absl::ErrnoToStatus(errno, absl::StrCat("cannot listen on ", text));
    close(fd);
    return status;
  }
  return fd;
}

std::vector<int> Acceptor::ports() const {
  std::vector<int> ports;
  for (int listener : listeners_) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
    const uint16_t port = address.ss_family == AF_INET6
                              ? reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port
                              : reinterpret_cast<const sockaddr_in*>(&address)->sin_port;
    ports.push_back(ntohs(port));
  }
  return ports;
}

void Acceptor::Start(Receiver receiver) {
  receiver_ = std::move(receiver);
  thread_ = std::thread([this] { Run(); });
}

void Acceptor::Stop() {
  if (thread_.joinable()) {
    [[maybe_unused]] const ssize_t written = write(wake_[1], "x", 1);
    thread_.join();
  }
  for (int listener : listeners_) close(listener);
  listeners_.clear();
}

void Acceptor::Run() {
  std::vector<pollfd> polled;
  for (int listener : listeners_) polled.push_back({listener, POLLIN, 0});
  polled.push_back({wake_[0], POLLIN, 0});
  for (;;) {
    if (poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) {
      // ENOMEM and the like pass; the loop must not end.
      poll(&polled.back(), 1, kExhaustedPauseMs);
      continue;
    }
    if (polled.back().revents != 0) return;
    bool exhausted = false;
    for (size_t i = 0; i + 1 < polled.size(); ++i) {
      if (polled[i].revents != 0 && !AcceptFrom(polled[i].fd)) exhausted = true;
    }
    if (exhausted) poll(&polled.back(), 1, kExhaustedPauseMs);
  }
}

bool Acceptor::AcceptFrom(int listener) {
  for (int i = 0; i < kBurst; ++i) {
    const int fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
      if (!OutOfDescriptors(errno)) return true;
      TurnAway(listener);
      return false;
    }
    struct stat info {};
    if (!HasRoom() || fstat(fd, &info) != 0) {
      // Counted before the other side can notice.
      if (observer_ != nullptr) observer_->ConnectionRefused();
      close(fd);
      continue;
    }
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    connections_.push_back({fd, info.st_ino});
    if (observer_ != nullptr) observer_->ConnectionAccepted();
    receiver_(listener, fd);
  }
  return true;
}

bool Acceptor::HasRoom() {
  if (connections_.size() < max_connections_) return true;
  std::erase_if(connections_, [](const Connection& connection) {
    struct stat info {};
    return fstat(connection.fd, &info) != 0 || !S_ISSOCK(info.st_mode) ||
           info.st_ino != connection.inode;
  });
  return connections_.size() < max_connections_;
}

void Acceptor::TurnAway(int listener) {
  if (observer_ != nullptr) observer_->ConnectionRefused();
  if (spare_ >= 0) close(spare_);
  const int fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd >= 0) close(fd);
  spare_ = SparePart();
}

size_t MaxConnections(size_t reserved_descriptors) {
  rlimit limit{};
  constexpr size_t kLeast = 16;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return kLeast;
  const size_t all =
      limit.rlim_cur == RLIM_INFINITY ? 1u << 20 : static_cast<size_t>(limit.rlim_cur);
  return all > reserved_descriptors + kLeast ? all - reserved_descriptors : kLeast;
}

}  // namespace piivault::vault
