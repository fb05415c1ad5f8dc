# The demonstration's part about third parties. To be sourced after demo.sh.
# shellcheck shell=bash

# A tenant of its own under the starter policy, which lets carriers have what they deliver by; with a
# right to correction, so that holders are told of one.
sharing_tenant() {
  local policy="$DIR/orders.yaml" sha
  sed '/^cases:/i rights: [{id: correct, who: [subject], kind: correct, fields: [customer.*], notify_past_recipients: without_delay, track_until_acknowledged: true}]' \
    "$PIIVAULT_ROOT/ops/policies/starter.yaml" >"$policy"
  quietly as sato tenant create orders --display-name "Example Orders"
  sha="$(as sato policy create "$policy" 2>/dev/null | name_in policies)"
  agree policy activate "$sha" --reason "first policy"
  register officer staff "" --employment full_time
  agree principal grant officer privacy_officer
  register shop service shop --employment full_time
  make_recipient_certificate yamato
  make_recipient_context yamato
  register_recipient rival carrier
}

shared() {
  # The tenant of all commands below.
  local -x PIIVAULT_TENANT=orders
  say "8. A carrier gets what it delivers by, once, and nobody else"
  sharing_tenant
  expect 0 'category: carrier' as officer share recipient register yamato --category carrier \
    --country JP --display-name "Example Logistics" --address "1-1 Mihon" \
    --representative "A. Head" --certificate "$DIR/recipients-pki/yamato.crt"
  expect 0 'tenants/orders' as shop record create --type customer --for order \
    --field "name=Hanako Mihon" --field "address=2-2 Mihon" --field phone=090-1234-5678
  local record subject
  record="$(grep -oE 'tenants/orders/subjects/[a-z0-9]+/records/[a-z0-9]+' <<<"$OUT" | head -1)"
  subject="${record%/records/*}"
  local ask=(share issue --to yamato --rule carrier --for order --subject "$subject" --lifetime 1h)
  echo "  What the sharing rule does not give:"
  expect 5 RECIPIENT_NOT_GRANTED as shop "${ask[@]}" --field customer.name,customer.email
  expect 0 '^v4\.public\.' as shop "${ask[@]}" --field customer.name,customer.address -q
  grep -oE '^v4\.public\..*' <<<"$OUT" >"$DIR/token.txt"
  echo "  The carrier checks it without the vault:"
  as yamato share keys >"$DIR/keys.pem" 2>/dev/null
  expect 0 'purpose: order' as yamato share inspect --key "$DIR/keys.pem" "@$DIR/token.txt"
  echo "  Another carrier has got hold of it:"
  expect 5 EXPORT_TOKEN_INVALID as rival share redeem "@$DIR/token.txt"
  expect 0 'Hanako Mihon' as yamato share redeem "@$DIR/token.txt"
  echo "  A second time:"
  expect 1 TOKEN_EXHAUSTED as yamato share redeem "@$DIR/token.txt" --request-id second
  ledger "$record" "$subject"
}

# ledger RECORD SUBJECT: who has it, and who is told that it is no longer right.
ledger() {
  echo "  Who has had data of this person, and the record that the law asks for:"
  expect 0 'recipients/yamato' as officer share disclosures --subject "$2"
  expect 0 'Example Logistics,1-1 Mihon,A. Head' as officer share disclosures --recipient yamato \
    --provision-record
  echo "  The person moves: whoever has the old address is told, and puts it right:"
  expect 0 '' as shop record update "$1" --field "address=3-3 Mihon" --for order
  expect 0 'customer.address +changed' as yamato share notices
  expect 0 'correctionNotices/' as yamato share notices --ack-all
  expect 0 '' as yamato share notices
  STEPS=$((STEPS + 1))
  ! grep -q correctionNotices/ <<<"$OUT" || {
    echo "  UNEXPECTED: a notice is still open"
    FAILURES=$((FAILURES + 1))
  }
}
