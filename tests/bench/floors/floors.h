#ifndef PIIVAULT_TESTS_BENCH_FLOORS_FLOORS_H_
#define PIIVAULT_TESTS_BENCH_FLOORS_FLOORS_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <thread>

namespace piivault::floors {

using Clock = std::chrono::steady_clock;

// Ends the program: a floor that does half its work is none.
inline void Require(bool ok, const std::string& what) {
  if (ok) return;
  std::fprintf(stderr, "piivault_floors: %s\n", what.c_str());
  std::_Exit(1);
}

// `--name value` pairs, each of which must be asked for.
class Options {
 public:
  Options(int argc, char** argv) {
    for (int i = 2; i < argc; i += 2) {
      Require(i + 1 < argc && std::strncmp(argv[i], "--", 2) == 0, "options are --name value");
      values_[argv[i] + 2] = argv[i + 1];
    }
  }
  std::string Text(const std::string& name) {
    const auto found = values_.find(name);
    Require(found != values_.end(), "--" + name + " is missing");
    const std::string value = found->second;
    values_.erase(found);
    return value;
  }
  double Number(const std::string& name, double otherwise) {
    if (values_.find(name) == values_.end()) return otherwise;
    const std::string text = Text(name);
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    Require(*end == '\0' && value >= 0, "--" + name + " takes a number");
    return value;
  }
  size_t Count(const std::string& name, size_t otherwise) {
    const auto value = static_cast<size_t>(Number(name, static_cast<double>(otherwise)));
    Require(value > 0, "--" + name + " takes a number from 1");
    return value;
  }
  void End() const { Require(values_.empty(), "no option --" + FirstName()); }

 private:
  std::string FirstName() const { return values_.empty() ? "" : values_.begin()->first; }
  std::map<std::string, std::string> values_;
};

inline double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Sleeps, and goes on where `count` is still 0 then: no machine is too slow for a figure.
inline void SleepUntilCounted(double seconds, const std::atomic<uint64_t>& count) {
  do {
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  } while (count.load() == 0);
}

// Each prints one JSON object as its last line.
void Echo(Options options);
void Read(Options options);
void Put(Options options);

}  // namespace piivault::floors

#endif  // PIIVAULT_TESTS_BENCH_FLOORS_FLOORS_H_
