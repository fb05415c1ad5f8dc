# The demonstration: each step says what it shows, does it, and checks that it happened. To be
# sourced after vault.sh.
# shellcheck shell=bash

STEPS=0
FAILURES=0
OUT=""

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }

# show TEXT: at most 12 lines of what a command printed, indented.
show() { sed -n "1,12p" <<<"$1" | sed "s#$DIR/##g; s#$PIIVAULT_ROOT/##g" | cut -c1-150 | sed 's/^/    /'; }

# expect CODE PATTERN COMMAND...: runs a command, shows what it printed, and counts a failure where
# the exit code is another or the pattern (a grep -E; empty for any) does not match.
expect() {
  local want="$1" pattern="$2" code=0
  shift 2
  printf '  $ %s\n' "$(describe "$@")"
  OUT="$("$@" 2>&1)" || code=$?
  show "$OUT"
  STEPS=$((STEPS + 1))
  if [ "$code" -ne "$want" ]; then
    echo "  UNEXPECTED: exit code $code, not $want"
    FAILURES=$((FAILURES + 1))
  elif [ -n "$pattern" ] && ! grep -Eq -- "$pattern" <<<"$OUT"; then
    echo "  UNEXPECTED: nothing that matches $pattern"
    FAILURES=$((FAILURES + 1))
  fi
}

# The command as somebody would type it in that context.
describe() {
  [ "$1" = decisions ] && set -- curl -s "http://$METRICS/metrics"
  [ "$1" = as ] && {
    printf 'piivault --context %s ' "$2"
    shift 2
  }
  printf '%q ' "$@" | sed "s#$DIR/##g; s#$PIIVAULT_ROOT/##g"
}

people_and_policy() {
  say "1. Two administrators put a policy in force"
  expect 0 ' 0 failed' as sato policy check "$POLICY"
  expect 0 'policies/' as sato policy create "$POLICY"
  local sha
  sha="$(name_in policies <<<"$OUT")"
  expect 0 'proposals/' as sato policy activate "$sha" --reason "first policy"
  local proposal
  proposal="$(name_in proposals <<<"$OUT")"
  echo "  Nobody approves an own proposal:"
  expect 5 PROPOSAL_SELF_APPROVAL as sato approvals approve "$proposal" --yes
  expect 0 approved as suzuki approvals approve "$proposal" --yes

  say "2. People, services and their roles"
  register auditor staff vault_auditor --employment full_time
  register tanaka staff engineer --employment full_time
  register ito staff engineer --employment full_time
  register kato staff engineer --employment full_time
  register yamada staff engineer --employment full_time
  register intake service intake --employment full_time
  register publisher tenant publisher --employment full_time
  sign_nda tanaka 2099-03-31
  sign_nda kato 2021-03-31
  sign_nda yamada 2099-03-31
  # Employment changes after the role was given, as it does in life.
  quietly as sato person update yamada --employment outsourced
  expect 0 engineer as sato principal list
}

imports_and_tokens() {
  local columns=(--type reader --ref-column ref --collected-at-column registered_at
    --ignore intake_channel --channel import --front-hop tls --for self_service)
  say "3. A service stores 1,000 readers and gets tokens"
  expect 0 '^500 rows stored, 0 refused \(utf-8' as intake import \
    "$PIIVAULT_ROOT/ops/samples/readers.csv" "${columns[@]}" --out "$DIR/tokens.csv"
  expect 0 '^500 rows stored, 0 refused \(cp932' as intake import \
    "$PIIVAULT_ROOT/ops/samples/readers.cp932.csv" "${columns[@]}" --out "$DIR/tokens.cp932.csv"
  echo "  The first lines of tokens.csv: what other systems keep in place of the data."
  show "$(head -3 "$DIR/tokens.csv")"
  STEPS=$((STEPS + 1))
  [ "$(wc -l <"$DIR/tokens.csv")" -eq 501 ] && grep -q tok_ "$DIR/tokens.csv" || {
    echo "  UNEXPECTED: not a token for each row"
    FAILURES=$((FAILURES + 1))
  }
}

granted() {
  say "4. Who may, gets values back, exactly as they were given"
  # The first reader, from the sample itself.
  local email name
  email="$(sed -n 2p "$PIIVAULT_ROOT/ops/samples/readers.csv" | cut -d, -f2)"
  name="$(sed -n 2p "$PIIVAULT_ROOT/ops/samples/readers.csv" | cut -d, -f3)"
  expect 0 "name: $name" as intake record reveal ref:reader:R00001 --fields name,email \
    --for self_service
  echo "  The same behind a token:"
  local token
  token="$(sed -n 2p "$DIR/tokens.csv" | grep -oE 'tok_[a-z0-9]{26}' | sed -n 3p)"
  expect 0 'reader\.' as intake token reveal "$token" --for self_service
  echo "  Found by e-mail, in whatever spelling (log-in):"
  expect 0 "name: $name" as intake record lookup --type reader email "${email^^}" --fields name \
    --for self_service
  echo "  The tenant finds a reader of the CP932 list:"
  email="$(iconv -f cp932 -t utf-8 "$PIIVAULT_ROOT/ops/samples/readers.cp932.csv" | sed -n 3p | cut -d, -f2)"
  expect 0 'phone: ' as publisher record lookup --type reader email "$email" --fields phone \
    --for own_list
  echo "  An engineer with a valid NDA sees a user of the service, under a ticket:"
  expect 0 'tok_|name:' as intake record create --type user --field "name=Hanako Mihon" \
    --field email=hanako@example.com --channel menu --front-hop tls --for service_admin --ref U1
  USER_RECORD="$(grep -oE 'tenants/default/subjects/[a-z0-9]+/records/[a-z0-9]+' <<<"$OUT" | head -1)"
  expect 0 'email: hanako@example.com' as tanaka record reveal "$USER_RECORD" --fields email \
    --for technical_work --ticket T-1001
}

refused() {
  say "5. Who may not, is refused, with the reason"
  local call=(record reveal "$USER_RECORD" --fields email --for technical_work --ticket T-1002)
  echo "  No NDA:"
  expect 5 NDA_MISSING as ito "${call[@]}"
  echo "  An NDA that ended:"
  expect 5 NDA_EXPIRED as kato "${call[@]}"
  echo "  A valid NDA, but outsourced:"
  expect 5 OUTSOURCING_FORBIDDEN as yamada "${call[@]}"
  echo "  Another purpose:"
  expect 5 PURPOSE as tanaka record reveal "$USER_RECORD" --fields email --for mail_delivery
  echo "  A field that nobody granted to engineers:"
  expect 5 FIELD_NOT_GRANTED as tanaka record reveal ref:reader:R00001 --fields email \
    --for technical_work --ticket T-1003
  echo "  A payment card, in whatever disguise:"
  expect 1 PROHIBITED_TYPE as intake record create --type reader \
    --field "name=４１１１ １１１１ １１１１ １１１１" --channel import --front-hop tls --for self_service
  echo "  The NDA revoked, with effect on the next call:"
  expect 0 'revoked_at' as sato nda revoke tanaka
  expect 5 NDA_REVOKED as tanaka "${call[@]}"
  echo "  An administrator has no right to data:"
  expect 5 '' as sato "${call[@]}"
}

erased() {
  say "6. A person is erased: no path yields a value any more"
  local subject
  subject="$(grep -oE 'subjects/[a-z0-9]{26}' <<<"$(sed -n 3p "$DIR/tokens.csv")" | cut -d/ -f2)"
  expect 0 'records: 1' as publisher subject delete "$subject" --for own_list
  expect 4 NOT_FOUND as intake record reveal ref:reader:R00002 --fields name --for self_service
}

entries() {
  say "7. All of it is in the log, granted or denied"
  expect 0 NDA_EXPIRED as auditor audit list --method RevealRecord
  local reason
  for reason in NDA_MISSING NDA_EXPIRED NDA_REVOKED OUTSOURCING_FORBIDDEN FIELD_NOT_GRANTED; do
    STEPS=$((STEPS + 1))
    grep -q "$reason" <<<"$OUT" || {
      echo "  UNEXPECTED: no entry with $reason"
      FAILURES=$((FAILURES + 1))
    }
  done
  expect 0 'granted' as auditor audit list --principal tanaka --decision granted
  expect 0 PROHIBITED_TYPE as auditor audit list --principal intake --decision failed
}

# The counters of decisions, as Prometheus reads them.
decisions() { curl -sf "http://$METRICS/metrics" | grep '^piivault_decisions_total'; }

metrics() {
  say "9. Prometheus watches"
  expect 0 'reason="NDA_EXPIRED"' decisions
  expect 0 '' curl -sf "http://$METRICS/readyz"
}

run_demo() {
  people_and_policy
  imports_and_tokens
  granted
  refused
  erased
  entries
  shared
  metrics
}
