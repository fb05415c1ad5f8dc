#include "ops/server/metrics.h"

#include <gtest/gtest.h>

#include <string>

namespace piivault::ops {
namespace {

// The one value of a metric without labels.
double ValueOf(const Metrics& metrics, const std::string& name) {
  for (const prometheus::MetricFamily& family : metrics.Collect()) {
    if (family.name != name) continue;
    EXPECT_EQ(family.metric.size(), 1u);
    return family.type == prometheus::MetricType::Counter ? family.metric[0].counter.value
                                                          : family.metric[0].gauge.value;
  }
  ADD_FAILURE() << "no metric " << name;
  return -1;
}

TEST(MetricsTest, BreakGlassRolesAreCountedAsTheVaultKeepsThem) {
  const vault::MethodTable methods;
  Metrics metrics(methods, "1.2.3", nullptr);
  GaugeReadings readings;
  readings.break_glass_total = 3;
  readings.break_glass_active = 1;
  readings.break_glass_unreviewed = 2;
  metrics.SetReader([&readings] { return readings; });
  // Each scrape reads them anew and adds nothing twice.
  for (int scrape = 0; scrape < 2; ++scrape) {
    EXPECT_EQ(ValueOf(metrics, "piivault_break_glass_total"), 3);
    EXPECT_EQ(ValueOf(metrics, "piivault_break_glass_active"), 1);
    EXPECT_EQ(ValueOf(metrics, "piivault_break_glass_unreviewed"), 2);
  }
  readings.break_glass_total = 5;
  readings.break_glass_active = 0;
  EXPECT_EQ(ValueOf(metrics, "piivault_break_glass_total"), 5);
  EXPECT_EQ(ValueOf(metrics, "piivault_break_glass_active"), 0);
}

TEST(MetricsTest, NoticesAreAsTheyWereCountedLast) {
  const vault::MethodTable methods;
  Metrics metrics(methods, "1.2.3", nullptr);
  GaugeReadings readings;
  metrics.SetReader([&readings] { return readings; });
  EXPECT_EQ(ValueOf(metrics, "piivault_correction_notices_counted_timestamp_seconds"), 0);
  readings.notices = {3, 2, absl::FromUnixSeconds(1'900'000'000)};
  EXPECT_EQ(ValueOf(metrics, "piivault_correction_notices_open"), 3);
  EXPECT_EQ(ValueOf(metrics, "piivault_correction_notices_overdue"), 2);
  EXPECT_EQ(ValueOf(metrics, "piivault_correction_notices_counted_timestamp_seconds"),
            1'900'000'000);
  readings.notices = {};
  EXPECT_EQ(ValueOf(metrics, "piivault_correction_notices_open"), 0);
  readings.sharing_rows_dropped = 7;
  readings.fields_destroyed = 8;
  readings.fields_waiting = 9;
  EXPECT_EQ(ValueOf(metrics, "piivault_sharing_rows_dropped_total"), 7);
  EXPECT_EQ(ValueOf(metrics, "piivault_retention_fields_destroyed_total"), 8);
  EXPECT_EQ(ValueOf(metrics, "piivault_retention_fields_waiting"), 9);
}

}  // namespace
}  // namespace piivault::ops
