// Abseil's locks in a form that ThreadSanitizer can follow. Only in builds with
// PIIVAULT_SANITIZE=thread, where every program links it.
//
// The distribution's Abseil is built without the sanitizer, which therefore sees none of the order
// that absl::Mutex makes and calls every use of one a race. A program's own definitions of these
// member functions take the place of the shared library's, for all libraries in the process: each
// lock here is a monitor of std::mutex and std::condition_variable, which the sanitizer knows.
//
// Differences: readers are ordered among themselves, too, so a race between two of them goes
// unseen; no fairness; no debugging aids.

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"

namespace {

struct Monitor {
  std::mutex mu;
  std::condition_variable changed;
  int readers = 0;
  bool writer = false;

  bool Free(bool shared) const { return !writer && (shared || readers == 0); }
  void Take(bool shared) {
    if (shared) {
      ++readers;
    } else {
      writer = true;
    }
  }
  void Release(bool shared) {
    if (shared) {
      --readers;
    } else {
      writer = false;
    }
    changed.notify_all();
  }
};

// Waits on `lock` for a change; false when `deadline` has passed.
bool WaitForChange(std::condition_variable& changed, std::unique_lock<std::mutex>& lock,
                   absl::Time deadline) {
  if (deadline == absl::InfiniteFuture()) {
    changed.wait(lock);
    return true;
  }
  return changed.wait_until(lock, absl::ToChronoTime(deadline)) == std::cv_status::no_timeout;
}

// The monitor behind a lock's single word, made at its first use.
template <typename T>
T& Behind(std::atomic<intptr_t>& word) {
  intptr_t now = word.load(std::memory_order_acquire);
  if (now == 0) {
    auto* made = new T();
    if (word.compare_exchange_strong(now, reinterpret_cast<intptr_t>(made),
                                     std::memory_order_acq_rel)) {
      return *made;
    }
    delete made;
  }
  return *reinterpret_cast<T*>(now);
}

void TakeWhenFree(Monitor& monitor, bool shared) {
  std::unique_lock<std::mutex> lock(monitor.mu);
  monitor.changed.wait(lock, [&] { return monitor.Free(shared); });
  monitor.Take(shared);
}

bool TryTake(Monitor& monitor, bool shared) {
  std::lock_guard<std::mutex> lock(monitor.mu);
  if (!monitor.Free(shared)) return false;
  monitor.Take(shared);
  return true;
}

void Release(Monitor& monitor, bool shared) {
  std::lock_guard<std::mutex> lock(monitor.mu);
  monitor.Release(shared);
}

// With the lock held: gives it up until the condition holds or time is over, then has it again.
// Returns whether the condition holds.
bool AwaitHeld(Monitor& monitor, const absl::Condition& condition, absl::Time deadline) {
  std::unique_lock<std::mutex> lock(monitor.mu);
  const bool shared = !monitor.writer;
  bool in_time = true;
  while (!condition.Eval()) {
    if (!in_time) return false;
    monitor.Release(shared);
    in_time = WaitForChange(monitor.changed, lock, deadline);
    monitor.changed.wait(lock, [&] { return monitor.Free(shared); });
    monitor.Take(shared);
  }
  return true;
}

struct Waiters {
  std::mutex mu;
  std::condition_variable woken;
};

}  // namespace

namespace absl {
ABSL_NAMESPACE_BEGIN

Mutex::~Mutex() { delete reinterpret_cast<Monitor*>(mu_.load(std::memory_order_acquire)); }
void Mutex::Lock() { TakeWhenFree(Behind<Monitor>(mu_), false); }
void Mutex::Unlock() { Release(Behind<Monitor>(mu_), false); }
bool Mutex::TryLock() { return TryTake(Behind<Monitor>(mu_), false); }
void Mutex::ReaderLock() { TakeWhenFree(Behind<Monitor>(mu_), true); }
void Mutex::ReaderUnlock() { Release(Behind<Monitor>(mu_), true); }
bool Mutex::ReaderTryLock() { return TryTake(Behind<Monitor>(mu_), true); }
void Mutex::AssertHeld() const {}
void Mutex::AssertReaderHeld() const {}
void Mutex::EnableInvariantDebugging(void (*)(void*), void*) {}
void Mutex::EnableDebugLog(const char*) {}
void Mutex::ForgetDeadlockInfo() {}

void Mutex::Await(const Condition& cond) {
  AwaitHeld(Behind<Monitor>(mu_), cond, InfiniteFuture());
}
bool Mutex::AwaitWithTimeout(const Condition& cond, Duration timeout) {
  return AwaitHeld(Behind<Monitor>(mu_), cond, Now() + timeout);
}
bool Mutex::AwaitWithDeadline(const Condition& cond, Time deadline) {
  return AwaitHeld(Behind<Monitor>(mu_), cond, deadline);
}
void Mutex::LockWhen(const Condition& cond) {
  Lock();
  Await(cond);
}
bool Mutex::LockWhenWithTimeout(const Condition& cond, Duration timeout) {
  Lock();
  return AwaitWithTimeout(cond, timeout);
}
bool Mutex::LockWhenWithDeadline(const Condition& cond, Time deadline) {
  Lock();
  return AwaitWithDeadline(cond, deadline);
}
void Mutex::ReaderLockWhen(const Condition& cond) {
  ReaderLock();
  Await(cond);
}
bool Mutex::ReaderLockWhenWithTimeout(const Condition& cond, Duration timeout) {
  ReaderLock();
  return AwaitWithTimeout(cond, timeout);
}
bool Mutex::ReaderLockWhenWithDeadline(const Condition& cond, Time deadline) {
  ReaderLock();
  return AwaitWithDeadline(cond, deadline);
}

CondVar::~CondVar() { delete reinterpret_cast<Waiters*>(cv_.load(std::memory_order_acquire)); }
void CondVar::Wait(Mutex* mu) { WaitWithDeadline(mu, InfiniteFuture()); }
bool CondVar::WaitWithTimeout(Mutex* mu, Duration timeout) {
  return WaitWithDeadline(mu, Now() + timeout);
}
bool CondVar::WaitWithDeadline(Mutex* mu, Time deadline) {
  auto& waiters = Behind<Waiters>(cv_);
  bool in_time = true;
  {
    // Taken before the lock is let go: a signal after that finds this waiter.
    std::unique_lock<std::mutex> lock(waiters.mu);
    mu->Unlock();
    in_time = WaitForChange(waiters.woken, lock, deadline);
  }
  mu->Lock();
  return !in_time;
}
void CondVar::Signal() {
  auto& waiters = Behind<Waiters>(cv_);
  std::lock_guard<std::mutex> lock(waiters.mu);
  waiters.woken.notify_one();
}
void CondVar::SignalAll() {
  auto& waiters = Behind<Waiters>(cv_);
  std::lock_guard<std::mutex> lock(waiters.mu);
  waiters.woken.notify_all();
}
void CondVar::EnableDebugLog(const char*) {}

Notification::~Notification() {
  // Notify() may still hold it.
  MutexLock lock(&mutex_);
}
void Notification::Notify() {
  MutexLock lock(&mutex_);
  notified_yet_.store(true, std::memory_order_release);
}
void Notification::WaitForNotification() const {
  WaitForNotificationWithDeadline(InfiniteFuture());
}
bool Notification::WaitForNotificationWithTimeout(Duration timeout) const {
  return WaitForNotificationWithDeadline(Now() + timeout);
}
bool Notification::WaitForNotificationWithDeadline(Time deadline) const {
  if (HasBeenNotified()) return true;
  const auto notified = [this] { return HasBeenNotified(); };
  MutexLock lock(&mutex_);
  return mutex_.AwaitWithDeadline(Condition(&notified), deadline);
}

ABSL_NAMESPACE_END
}  // namespace absl
