#include "vault/service/acceptor.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "absl/synchronization/mutex.h"
#include "tests/vault/service/transport/transport_testing.h"

namespace piivault::vault {
namespace {

int ConnectTo(int port, int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  return fd;
}

// Whether the other side closes; waits for it to close or to write.
bool IsClosed(int fd) {
  char byte = 0;
  return recv(fd, &byte, 1, 0) <= 0;
}

// Keeps what an acceptor hands over.
class Keeper {
 public:
  ~Keeper() {
    for (int fd : fds_) close(fd);
  }
  Acceptor::Receiver receiver() {
    return [this](int, int fd) {
      absl::MutexLock lock(&mu_);
      fds_.push_back(fd);
    };
  }
  void Await(size_t count) {
    absl::MutexLock lock(&mu_);
    const auto enough = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return fds_.size() >= count; };
    mu_.Await(absl::Condition(&enough));
  }
  void CloseFirst() {
    absl::MutexLock lock(&mu_);
    close(fds_.front());
    fds_.erase(fds_.begin());
  }

 private:
  absl::Mutex mu_;
  std::vector<int> fds_ ABSL_GUARDED_BY(mu_);
};

TEST(AcceptorTest, ListensOnBothFamiliesAndReportsPorts) {
  auto acceptor = Acceptor::Listen({"127.0.0.1:0", "[::1]:0"}, 10, nullptr);
  ASSERT_TRUE(acceptor.ok()) << acceptor.status();
  ASSERT_EQ((*acceptor)->ports().size(), 2u);
  EXPECT_GT((*acceptor)->ports()[0], 0);
  EXPECT_GT((*acceptor)->ports()[1], 0);
}

TEST(AcceptorTest, RefusesAddressesItDoesNotUnderstand) {
  for (const char* address : {"", "localhost:1", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:70000",
                              "::1:80", "[::1]", "[127.0.0.1]:80"}) {
    EXPECT_EQ(Acceptor::Listen({address}, 10, nullptr).status().code(),
              absl::StatusCode::kInvalidArgument)
        << address;
  }
  EXPECT_FALSE(Acceptor::Listen({}, 10, nullptr).ok());
}

TEST(AcceptorTest, AddressInUseIsAnError) {
  auto acceptor = Acceptor::Listen({"127.0.0.1:0"}, 10, nullptr);
  const std::string taken = "127.0.0.1:" + std::to_string((*acceptor)->ports()[0]);
  EXPECT_FALSE(Acceptor::Listen({taken}, 10, nullptr).ok());
}

TEST(AcceptorTest, CapHoldsUntilAConnectionIsClosed) {
  CountingObserver observer;
  Keeper keeper;
  auto acceptor = Acceptor::Listen({"127.0.0.1:0"}, 2, &observer);
  (*acceptor)->Start(keeper.receiver());
  const int port = (*acceptor)->ports()[0];
  const int first = ConnectTo(port);
  const int second = ConnectTo(port);
  keeper.Await(2);
  const int third = ConnectTo(port);
  EXPECT_TRUE(IsClosed(third));
  EXPECT_EQ(observer.refused, 1);
  keeper.CloseFirst();
  const int fourth = ConnectTo(port);
  keeper.Await(2);
  EXPECT_EQ(observer.accepted, 3);
  (*acceptor)->Stop();
  for (int fd : {first, second, third, fourth}) close(fd);
}

// Takes every descriptor that the process may still open.
class Hog {
 public:
  Hog() {
    getrlimit(RLIMIT_NOFILE, &before_);
    rlimit lower = before_;
    lower.rlim_cur = 256;
    setrlimit(RLIMIT_NOFILE, &lower);
    for (int fd; (fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) fds_.push_back(fd);
  }
  ~Hog() {
    for (int fd : fds_) close(fd);
    setrlimit(RLIMIT_NOFILE, &before_);
  }

 private:
  rlimit before_{};
  std::vector<int> fds_;
};

TEST(AcceptorTest, SurvivesRunningOutOfDescriptors) {
  CountingObserver observer;
  Keeper keeper;
  auto acceptor = Acceptor::Listen({"127.0.0.1:0"}, 100, &observer);
  (*acceptor)->Start(keeper.receiver());
  const int port = (*acceptor)->ports()[0];
  std::vector<int> clients;
  for (int i = 0; i < 5; ++i) clients.push_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  {
    const Hog hog;
    for (int fd : clients) {
      ConnectTo(port, fd);
      EXPECT_TRUE(IsClosed(fd));
    }
  }
  EXPECT_GE(observer.refused, 5);
  EXPECT_EQ(observer.accepted, 0);
  const int after = ConnectTo(port);
  keeper.Await(1);
  (*acceptor)->Stop();
  for (int fd : clients) close(fd);
  close(after);
}

TEST(AcceptorTest, ServerAnswersAgainAfterDescriptorsRanOut) {
  ToyServer toy;
  toy.On(kUnary, [](CallContext& context) { return RevealPlan(context, "shown"); });
  toy.Start();
  std::vector<int> clients;
  for (int i = 0; i < 50; ++i) clients.push_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  {
    const Hog hog;
    for (int fd : clients) {
      ConnectTo(toy.port(), fd);
      EXPECT_TRUE(IsClosed(fd));
    }
  }
  for (int fd : clients) close(fd);
  grpc::ClientContext context;
  piivault::v1::RevealRecordResponse response;
  EXPECT_TRUE(toy.Stub()->RevealRecord(&context, {}, &response).ok());
}

TEST(AcceptorTest, IdleStrangersAreDroppedAndLeaveRoom) {
  ToyServer toy([](GrpcServerOptions& options) {
    options.max_connections = 3;
    options.handshake_timeout = absl::Seconds(1);
  });
  toy.On(kUnary, [](CallContext& context) { return RevealPlan(context, "shown"); });
  toy.Start();
  std::vector<int> strangers;
  for (int i = 0; i < 3; ++i) strangers.push_back(ConnectTo(toy.port()));
  for (int fd : strangers) EXPECT_TRUE(IsClosed(fd));
  grpc::ClientContext context;
  // A stranger sees the end before the server has closed its descriptor and there is room.
  context.set_wait_for_ready(true);
  piivault::v1::RevealRecordResponse response;
  EXPECT_TRUE(toy.Stub()->RevealRecord(&context, {}, &response).ok());
  for (int fd : strangers) close(fd);
}

}  // namespace
}  // namespace piivault::vault
