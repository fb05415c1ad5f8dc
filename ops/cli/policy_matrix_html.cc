#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "authz/explain.h"
#include "authz/policy_diff.h"
#include "ops/cli/policy_matrix.h"
#include "ops/cli/policy_matrix_style.h"
#include "vault/crypto/sha256.h"
#include "vault/text.h"

namespace piivault::ops {
namespace {

using authz::Policy;

// Of text and of attribute values in double quotes.
std::string Escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

// In both languages; the style shows one. Arguments are HTML.
std::string Both(std::string_view en, std::string_view ja) {
  if (en == ja) return std::string(en);
  return absl::StrCat("<span class=\"en\" lang=\"en\">", std::string(en),
                      "</span><span class=\"ja\" lang=\"ja\">", std::string(ja), "</span>");
}

std::string Code(std::string_view name) { return absl::StrCat("<code>", Escape(name), "</code>"); }

// A label with the name below it; the name alone where there is no label.
std::string Named(std::string_view name, const authz::Labels& labels) {
  if (labels.empty()) return Code(name);
  return absl::StrCat(
      Both(Escape(authz::LabelIn(labels, "en")), Escape(authz::LabelIn(labels, "ja"))),
      "<span class=\"sub\">", Code(name), "</span>");
}

std::string Header(std::string_view scope, std::string_view html, std::string_view more = "") {
  return absl::StrCat("<th scope=\"", std::string(scope), "\"", std::string(more), ">",
                      std::string(html), "</th>");
}

std::string Data(std::string_view html) { return absl::StrCat("<td>", std::string(html), "</td>"); }

struct ReachWord {
  const char* style;
  const char* en;
  const char* ja;
  const char* meaning_en;
  const char* meaning_ja;
};

// In the order of Reach.
constexpr ReachWord kReach[] = {
    {"none", "–", "–", "nothing", "なし"},
    {"uses", "use", "利用", "searched by, counted, verified or moved; no value comes out",
     "検索・集計・照合・移動に使う（値は出ない）"},
    {"writes", "write", "登録", "values are written; none comes out",
     "値を登録・更新する（値は出ない）"},
    {"masked", "masked", "マスク", "seen in part", "一部を隠して見る"},
    {"token", "token", "トークン", "seen as a token", "トークンとして見る"},
    {"plain", "plain", "平文", "seen in full", "そのまま見る"},
};

const ReachWord& WordOf(Reach reach) { return kReach[static_cast<size_t>(reach)]; }

class Page {
 public:
  explicit Page(const PolicyMatrix& matrix) : matrix_(matrix), policy_(matrix.policy()) {}

  std::string Html();

 private:
  void Add(std::string_view html) { out_ += html; }
  void AddHead();
  void AddTitle();
  void AddLegend();
  void AddRoles();
  void AddOverview();
  void AddRole(const authz::RoleSpec& role);
  void AddPurposes();
  void AddGrants();
  // A table that scrolls in itself; closed by EndTable().
  void BeginTable(std::string_view label_html, std::string_view label_text);
  void EndTable() { Add("</tbody></table></div>\n"); }
  void AddChips(const authz::PolicyCell& cell);
  std::string FieldHeader(const authz::FieldSpec& field) const;
  std::string Tip(const authz::PolicyCell& cell, const authz::CellWay& way) const;

  const PolicyMatrix& matrix_;
  const Policy& policy_;
  std::string out_;
};

std::string Page::Html() {
  AddHead();
  AddTitle();
  AddLegend();
  AddOverview();
  AddRoles();
  for (const authz::RoleSpec& role : policy_.roles()) AddRole(role);
  AddPurposes();
  AddGrants();
  Add("</main>\n</body>\n</html>\n");
  return std::move(out_);
}

void Page::AddHead() {
  const auto digest = vault::Sha256(kMatrixStyle);
  const std::string_view bytes = vault::AsView(digest);
  const std::string hash = absl::Base64Escape(absl::string_view(bytes.data(), bytes.size()));
  const std::string title = Escape(authz::LabelIn(policy_.header().labels, "en"));
  absl::StrAppend(
      &out_, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
      "'sha256-",
      hash, "'; base-uri 'none'; form-action 'none'\">\n",
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
      "<meta name=\"referrer\" content=\"no-referrer\">\n<title>", Escape(policy_.id()),
      title.empty() ? "" : ": ", title, "</title>\n<style>", kMatrixStyle, "</style>\n</head>\n");
}

void Page::AddTitle() {
  Add("<body>\n<input class=\"lang\" type=\"radio\" name=\"lang\" id=\"lang-en\" checked>"
      "<label for=\"lang-en\" lang=\"en\">English</label>\n"
      "<input class=\"lang\" type=\"radio\" name=\"lang\" id=\"lang-ja\">"
      "<label for=\"lang-ja\" lang=\"ja\">日本語</label>\n<main>\n");
  const authz::HeaderSpec& header = policy_.header();
  absl::StrAppend(
      &out_, "<h1>",
      header.labels.empty() ? Escape(header.id)
                            : Both(Escape(authz::LabelIn(header.labels, "en")),
                                   Escape(authz::LabelIn(header.labels, "ja"))),
      "</h1>\n<p class=\"meta\">",
      Both("Who may do what with personal data, and for which purpose. What is not "
           "shown is not allowed.",
           "誰が、どの目的で、個人情報をどう扱えるか。書かれていないことは許可されません。"),
      "</p>\n<p class=\"meta\">", Both("Policy", "ポリシー"), " ", Code(header.id), " · SHA-256 ",
      Code(policy_.hash_hex()), "</p>\n<p class=\"meta\">", Both("Meaning", "意味内容"),
      " · SHA-256 ", Code(absl::BytesToHexString(authz::SemanticHash(policy_))), "</p>\n");
}

void Page::AddLegend() {
  absl::StrAppend(&out_, "<h2>", Both("Legend", "凡例"), "</h2>\n<ul class=\"legend\">\n");
  for (const ReachWord& word : kReach) {
    absl::StrAppend(&out_, "<li><span class=\"", &word == kReach ? "" : "chip ", word.style, "\">",
                    Both(word.en, word.ja), "</span> ", Both(word.meaning_en, word.meaning_ja),
                    "</li>\n");
  }
  absl::StrAppend(&out_, "<li>* ", Both("under conditions only", "条件を満たす場合のみ"),
                  "</li>\n</ul>\n");
}

std::string Page::FieldHeader(const authz::FieldSpec& field) const {
  std::string html = absl::StrCat(
      Code(field.name), "<span class=\"sub\">",
      Escape(authz::kSemanticTypes[static_cast<size_t>(field.semantic)].name), "</span>");
  const auto flag = [&](bool set, std::string_view en, std::string_view ja) {
    if (set) absl::StrAppend(&html, "<span class=\"flag\">", Both(en, ja), "</span>");
  };
  flag(field.read_never, "never read", "閲覧不可");
  flag(field.comm_secret, "secrecy of communications", "通信の秘密");
  flag(field.one_way, "one way", "一方向");
  flag(field.important, "important", "重要");
  flag(field.essential, "essential", "必須利用");
  flag(field.retired, "retired", "廃止");
  if (field.history == authz::kAllEarlierValues) {
    flag(true, "history", "履歴あり");
  } else {
    flag(field.history != 0, absl::StrCat("history of ", field.history),
         absl::StrCat("履歴", field.history, "件"));
  }
  return html;
}

void Page::BeginTable(std::string_view label_html, std::string_view label_text) {
  absl::StrAppend(&out_, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"",
                  Escape(label_text), "\"><table>\n<thead><tr>", std::string(label_html),
                  "</tr></thead>\n<tbody>\n");
}

void Page::AddOverview() {
  absl::StrAppend(&out_, "<h2>", Both("Overview: fields and roles", "一覧：項目と役割"),
                  "</h2>\n<p class=\"meta\">",
                  Both("The most that a role may do with a field under any purpose.",
                       "いずれかの目的で、その役割が項目に対してできる最大のこと。"),
                  "</p>\n");
  std::string heads = Header("col", Both("Field", "項目"));
  for (const authz::RoleSpec& role : policy_.roles()) {
    heads += Header("col", absl::StrCat("<a href=\"#role-", Escape(role.name), "\">",
                                        Named(role.name, role.labels), "</a>"));
  }
  BeginTable(heads, "Overview");
  for (const authz::TypeSpec& type : policy_.types()) {
    absl::StrAppend(&out_, "<tr>",
                    Header("rowgroup", Named(type.name, type.labels),
                           absl::StrCat(" colspan=\"", policy_.roles().size() + 1, "\"")),
                    "</tr>\n");
    for (authz::FieldId field : type.fields) {
      absl::StrAppend(&out_, "<tr>", Header("row", FieldHeader(policy_.field(field))));
      for (const authz::RoleSpec& role : policy_.roles()) {
        const Reach reach = matrix_.reach(role.id, field);
        const ReachWord& word = WordOf(reach);
        Add(Data(absl::StrCat("<span class=\"", reach == Reach::kNothing ? "" : "chip ", word.style,
                              "\">", Both(word.en, word.ja),
                              matrix_.conditional(role.id, field) ? " *" : "", "</span>")));
      }
      Add("</tr>\n");
    }
  }
  EndTable();
}

void Page::AddRoles() {
  absl::StrAppend(&out_, "<h2>", Both("Roles and what they ask for", "役割とその要件"), "</h2>\n");
  BeginTable(
      absl::StrCat(Header("col", Both("Role", "役割")), Header("col", Both("Asks for", "要件")),
                   Header("col", Both("Clause", "条項"))),
      "Roles");
  for (const authz::RoleSpec& role : policy_.roles()) {
    absl::StrAppend(&out_, "<tr>",
                    Header("row", absl::StrCat("<a href=\"#role-", Escape(role.name), "\">",
                                               Named(role.name, role.labels), "</a>")),
                    Data(Escape(absl::StrJoin(authz::RoleAsks(policy_, role), "; "))),
                    Data(Escape(role.origin.clause)), "</tr>\n");
  }
  EndTable();
}

std::string Page::Tip(const authz::PolicyCell& cell, const authz::CellWay& way) const {
  std::string text = authz::DescribeWay(cell.verb, way);
  const auto needs = authz::CellNeeds(policy_, *cell.role, cell.verb, cell.purpose);
  if (!needs.empty()) absl::StrAppend(&text, "; needs ", absl::StrJoin(needs, ", "));
  return text;
}

void Page::AddChips(const authz::PolicyCell& cell) {
  const authz::VerbInfo& verb = authz::GetVerb(cell.verb);
  for (const authz::CellWay& way : cell.ways) {
    std::string_view style = verb.writes ? "writes" : "uses";
    if (verb.outputs_values) style = authz::ViewName(way.view);
    const size_t number = way.grant->index + size_t{1};
    absl::StrAppend(&out_, "<a class=\"chip ", std::string(style), "\" href=\"#g", number, "\">",
                    std::string(verb.name), way.when.empty() ? "" : " *", "<sup>", number,
                    "</sup><span class=\"tip\" role=\"tooltip\">", Escape(Tip(cell, way)),
                    "</span></a> ");
  }
}

void Page::AddRole(const authz::RoleSpec& role) {
  absl::StrAppend(&out_, "<h3 id=\"role-", Escape(role.name), "\">", Named(role.name, role.labels),
                  "</h3>\n<dl><dt>", Both("Asks for", "要件"), "</dt><dd>",
                  Escape(absl::StrJoin(authz::RoleAsks(policy_, role), "; ")), "</dd></dl>\n");
  if (matrix_.rows(role.id).empty()) {
    absl::StrAppend(&out_, "<p>", Both("May do nothing.", "許可なし。"), "</p>\n");
    return;
  }
  const std::vector<size_t> columns = matrix_.columns(role.id);
  std::string heads = Header("col", Both("Data", "データ"));
  for (size_t column : columns) {
    if (column == 0) {
      heads += Header("col", Both("no purpose stated", "目的の指定なし"));
      continue;
    }
    const authz::PurposeSpec& purpose = policy_.purposes()[column - 1];
    heads += Header("col", absl::StrCat("<a href=\"#purpose-", Escape(purpose.name), "\">",
                                        Named(purpose.name, purpose.labels), "</a>"));
  }
  BeginTable(heads, "Role " + role.name);
  for (const PolicyMatrix::Row& row : matrix_.rows(role.id)) {
    absl::StrAppend(&out_, "<tr>", Header("row", Code(row.object)));
    for (size_t column : columns) {
      Add("<td>");
      if (auto cells = row.cells.find(column); cells != row.cells.end()) {
        for (const authz::PolicyCell& cell : cells->second) AddChips(cell);
      } else {
        Add("<span class=\"none\">–</span>");
      }
      Add("</td>");
    }
    Add("</tr>\n");
  }
  EndTable();
}

void Page::AddPurposes() {
  absl::StrAppend(&out_, "<h2>", Both("Purposes", "利用目的"), "</h2>\n");
  BeginTable(absl::StrCat(Header("col", Both("Purpose", "目的")),
                          Header("col", Both("Each call needs", "呼び出しごとの要件")),
                          Header("col", Both("Clause", "条項"))),
             "Purposes");
  const authz::RoleSpec any_role;
  for (const authz::PurposeSpec& purpose : policy_.purposes()) {
    const auto needs = authz::CellNeeds(policy_, any_role, authz::Verb::kReveal, &purpose);
    absl::StrAppend(&out_, "<tr id=\"purpose-", Escape(purpose.name), "\">",
                    Header("row", Named(purpose.name, purpose.labels)),
                    Data(Escape(absl::StrJoin(needs, "; "))), Data(Escape(purpose.origin.clause)),
                    "</tr>\n");
  }
  EndTable();
}

void Page::AddGrants() {
  absl::StrAppend(&out_, "<h2>", Both("Grants", "許可の根拠"), "</h2>\n");
  BeginTable(
      absl::StrCat(Header("col", Both("No.", "番号")), Header("col", Both("Grant", "許可")),
                   Header("col", Both("Clause", "条項")), Header("col", Both("Role", "役割")),
                   Header("col", Both("Conditions", "条件")), Header("col", Both("Note", "備考"))),
      "Grants");
  for (const authz::GrantSpec& grant : policy_.grants()) {
    std::vector<std::string> when;
    for (authz::Condition condition : grant.when) {
      when.emplace_back(authz::ConditionName(condition));
    }
    const std::string assumed =
        grant.origin.assumed ? Both("assumed, not in the text ", "本文にない想定 ") : "";
    absl::StrAppend(&out_, "<tr id=\"g", grant.index + 1, "\">",
                    Header("row", absl::StrCat(grant.index + 1)), Data(Code(grant.id)),
                    Data(Escape(grant.origin.clause)), Data(Code(policy_.roles()[grant.role].name)),
                    Data(Escape(absl::StrJoin(when, ", "))),
                    Data(assumed + Escape(grant.origin.note)), "</tr>\n");
  }
  EndTable();
}

}  // namespace

std::string MatrixHtml(const PolicyMatrix& matrix) { return Page(matrix).Html(); }

}  // namespace piivault::ops
