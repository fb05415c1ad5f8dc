#include "ops/cli/profile.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/ops/cli/scratch_folder.h"

namespace piivault::ops {
namespace {

Profile MakeProfile(const std::string& address, const std::string& ca = "",
                    const std::string& tenant = "") {
  Profile profile;
  profile.address = address;
  profile.ca = ca;
  profile.tenant = tenant;
  return profile;
}

TEST(ProfileStoreTest, KeepsProfilesInAPrivateFile) {
  const ScratchFolder folder;
  const std::string path = folder.File("a/b/config.yaml");
  auto store = ProfileStore::Load(path);
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_TRUE(store->profiles().empty());
  store->Set("dev", MakeProfile("127.0.0.1:7443", "/pki/ca: \"x\".crt", "t1"));
  store->Set("prod", MakeProfile("vault.example:443"));
  ASSERT_TRUE(store->Save().ok());

  struct stat info {};
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  auto again = ProfileStore::Load(path);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->current(), "dev");
  EXPECT_EQ(again->profiles().at("dev").ca, "/pki/ca: \"x\".crt");
  EXPECT_EQ(again->profiles().at("prod").address, "vault.example:443");
}

TEST(ProfileStoreTest, SettingAgainChangesOnlyWhatIsGiven) {
  const ScratchFolder folder;
  auto store = ProfileStore::Load(folder.File("config.yaml"));
  ASSERT_TRUE(store.ok());
  store->Set("dev", MakeProfile("a:1", "", "t1"));
  store->Set("dev", MakeProfile("b:2"));
  EXPECT_EQ(store->profiles().at("dev").address, "b:2");
  EXPECT_EQ(store->profiles().at("dev").tenant, "t1");
}

TEST(ProfileStoreTest, FilesAreFoundFromOtherFolders) {
  const ScratchFolder folder;
  auto store = ProfileStore::Load(folder.File("config.yaml"));
  ASSERT_TRUE(store.ok());
  store->Set("dev", MakeProfile("a:1", "pki/../pki/ca.crt"));
  EXPECT_EQ(store->profiles().at("dev").ca, std::filesystem::current_path() / "pki/ca.crt");
  EXPECT_EQ(store->profiles().at("dev").key, "");
}

TEST(ProfileStoreTest, UnknownProfilesAreNotFound) {
  const ScratchFolder folder;
  auto store = ProfileStore::Load(folder.File("config.yaml"));
  ASSERT_TRUE(store.ok());
  EXPECT_TRUE(absl::IsNotFound(store->Use("nobody")));
  EXPECT_TRUE(absl::IsNotFound(store->Remove("nobody")));
}

TEST(ProfileStoreTest, AFileThatIsNotYamlIsRefusedWithItsLine) {
  const ScratchFolder folder;
  const std::string path = folder.File("config.yaml");
  std::ofstream(path) << "current: dev\ncontexts: [\n";
  const auto store = ProfileStore::Load(path);
  EXPECT_EQ(store.status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(ProfileTest, LaterLayersWin) {
  const Profile base = MakeProfile("a:1", "ca", "t1");
  const Profile over = MakeProfile("b:2");
  const Profile merged = Overlay(base, over);
  EXPECT_EQ(merged.address, "b:2");
  EXPECT_EQ(merged.ca, "ca");
}

TEST(ProfileTest, AnotherAddressHasAnotherName) {
  Profile base = MakeProfile("a:1");
  base.server_name = "vault.example";
  EXPECT_EQ(Overlay(base, MakeProfile("b:2")).server_name, "");
  EXPECT_EQ(Overlay(base, MakeProfile("a:1")).server_name, "vault.example");
  EXPECT_EQ(Overlay(base, MakeProfile("")).server_name, "vault.example");
  Profile over = MakeProfile("b:2");
  over.server_name = "other.example";
  EXPECT_EQ(Overlay(base, over).server_name, "other.example");
}

TEST(ProfileTest, EnvironmentAndDefaultPath) {
  const EnvironmentLookup environment = [](const std::string& name) -> std::optional<std::string> {
    if (name == "PIIVAULT_TENANT") return "t9";
    if (name == "HOME") return "/home/hanako";
    return std::nullopt;
  };
  EXPECT_EQ(ProfileFromEnvironment(environment).tenant, "t9");
  EXPECT_EQ(ProfileFromEnvironment(environment).address, "");
  EXPECT_EQ(DefaultProfilePath(environment), "/home/hanako/.config/piivault/config.yaml");
}

}  // namespace
}  // namespace piivault::ops
