#include <algorithm>
#include <array>
#include <iomanip>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "ops/cli/calls.h"
#include "ops/cli/commands.h"
#include "ops/cli/digest.h"
#include "ops/cli/importer.h"
#include "vault/crypto/random.h"
#include "vault/values/text_encoding.h"

namespace piivault::ops {
namespace {

struct ImportFlags {
  std::string file;
  std::string encoding = "auto";
  std::vector<std::string> map;
  std::vector<std::string> ignore;
  ImportColumns columns;
  v1::NewRecord base;
  std::string out;
  std::string errors;
  bool resume = false;
  ImportOptions options;
};

absl::Status ReadMappings(const std::vector<std::string>& pairs, ImportColumns* columns) {
  for (const std::string& pair : pairs) {
    const size_t equals = pair.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == pair.size()) {
      return absl::InvalidArgumentError("--map takes COLUMN=FIELD");
    }
    columns->renamed[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  return absl::OkStatus();
}

absl::StatusOr<vault::DecodedText> Decode(const std::string& bytes, const std::string& encoding) {
  const vault::TextEncoding hint = encoding == "utf-8"   ? vault::TextEncoding::kUtf8
                                   : encoding == "cp932" ? vault::TextEncoding::kCp932
                                                         : vault::TextEncoding::kDetect;
  return vault::DetectAndConvertToUtf8(bytes, hint);
}

std::string FreshRunId() {
  std::array<uint8_t, 8> bytes{};
  vault::SystemRandom().Fill(absl::MakeSpan(bytes));
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

void PrintResult(Session& session, const ImportResult& result, const char* encoding,
                 absl::Duration took) {
  const double seconds = std::max(absl::ToDoubleSeconds(took), 0.001);
  session.out() << result.stored << " rows stored, " << result.refused << " refused";
  if (result.skipped > 0) session.out() << ", " << result.skipped << " stored before";
  session.out() << " (" << encoding << ", " << std::fixed << std::setprecision(1) << seconds
                << " s, " << std::setprecision(0) << static_cast<double>(result.stored) / seconds
                << " rows/s)\n";
  for (const auto& [reason, count] : result.reasons) {
    session.out() << "  " << reason << ": " << count << "\n";
  }
}

absl::StatusOr<int> Import(Session& session, ImportFlags flags) {
  if (flags.resume && flags.out.empty()) {
    return absl::InvalidArgumentError("--resume needs the --out of the run that it resumes");
  }
  absl::Status status = ReadMappings(flags.map, &flags.columns);
  if (!status.ok()) return status;
  flags.columns.ignored.insert(flags.ignore.begin(), flags.ignore.end());

  absl::StatusOr<std::string> bytes = ReadFile(flags.file);
  if (!bytes.ok()) return bytes.status();
  absl::StatusOr<vault::DecodedText> text = Decode(*bytes, flags.encoding);
  if (!text.ok()) return text.status();
  CsvReader reader(text->utf8.view());
  std::vector<std::string> header;
  absl::StatusOr<bool> any = reader.Next(&header);
  if (!any.ok()) return any.status();
  if (!*any) return absl::InvalidArgumentError("the file has no header");
  absl::StatusOr<RowMapper> mapper = RowMapper::Create(header, flags.columns, flags.base);
  if (!mapper.ok()) return mapper.status();

  absl::StatusOr<Connection*> vault = session.Connect();
  if (!vault.ok()) return vault.status();
  absl::StatusOr<ImportJournal> journal = ImportJournal::Open(
      {flags.out, flags.errors, Sha256Hex(*bytes), mapper->fields(), flags.resume, FreshRunId()});
  if (!journal.ok()) return journal.status();
  vault::Wipe(&*bytes);

  flags.options.parent = session.tenant();
  if (session.err_is_terminal()) {
    flags.options.progress = [&session](int64_t stored, int64_t refused) {
      session.err() << "\r" << stored << " stored, " << refused << " refused" << std::flush;
    };
  }
  const absl::Time start = session.now();
  absl::StatusOr<ImportResult> result =
      ImportRows(reader, *mapper, flags.options, **vault, *journal);
  if (session.err_is_terminal()) session.err() << "\n";
  if (!result.ok()) {
    if (!flags.out.empty()) {
      session.err() << journal->done() << " rows are stored; --resume goes on from there\n";
    }
    return result.status();
  }
  PrintResult(session, *result, text->encoding == vault::TextEncoding::kCp932 ? "cp932" : "utf-8",
              session.now() - start);
  if (result->refused > 0) return result->stored + result->skipped > 0 ? kExitPartial : kExitError;
  journal->Complete();
  return kExitOk;
}

void AddColumnFlags(CLI::App& command, ImportFlags* flags) {
  command.add_option("--map", flags->map, "COLUMN=FIELD, where they are not called the same");
  command.add_option("--ignore", flags->ignore, "Column to leave out")->delimiter(',');
  command.add_option("--ref-column", flags->columns.ref, "Column that holds your own key");
  command.add_option("--channel-column", flags->columns.channel,
                     "Column that holds the channel; NAME_tls and NAME_plain say the hop too");
  command.add_option("--collected-at-column", flags->columns.collected_at,
                     "Column that holds when the person gave the data");
  command.add_option("--birth-date-column", flags->columns.birth_date,
                     "Column that holds the birthday, YYYY-MM-DD, where no field does");
}

}  // namespace

void AddImportCommand(CLI::App& root, Session& session) {
  auto flags = std::make_shared<ImportFlags>();
  CLI::App* command =
      AddCommand(root, "import", "Stores the rows of a CSV file, in batches; tokens to --out",
                 session, [flags](Session& s) { return Import(s, *flags); });
  command->add_option("FILE", flags->file, "CSV with a header")->required();
  command->add_option("--type", *flags->base.mutable_type(), "Type of the policy")->required();
  command->add_option("--encoding", flags->encoding, "auto, utf-8 or cp932")
      ->check(CLI::IsMember({"auto", "utf-8", "cp932"}))
      ->capture_default_str();
  AddColumnFlags(*command, flags.get());
  AddProvenance(*command, session, flags->base.mutable_provenance());
  AddUsage(*command, &flags->options.usage);
  command->add_option("--out", flags->out, "CSV of record names and tokens, a line per row");
  command->add_option("--errors", flags->errors, "CSV of refused rows with reasons, no values");
  command->add_flag("--resume", flags->resume, "Go on with the run that wrote --out");
  command->add_option("--batch", flags->options.batch, "Rows in a call")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_option("--in-flight", flags->options.in_flight, "Calls at once")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
}

}  // namespace piivault::ops
