# A development vault over the command line alone: certificates, server, people, roles. To be
# sourced; the variables it needs: BIN (folder with piivault), DAEMON (path of piivaultd), DIR.
# shellcheck shell=bash

TRUST_DOMAIN=vault.example
RECIPIENTS_DOMAIN=partners.example
SERVER_PID=""

# as WHO COMMAND...: runs piivault in WHO's context.
as() {
  local who="$1"
  shift
  "$BIN/piivault" --config "$DIR/contexts.yaml" --context "$who" "$@"
}

# make_certificate NAME KIND: spiffe://vault.example/KIND/NAME.
make_certificate() {
  "$BIN/piivault" pki issue "$1" --dir "$DIR/pki" --uri "spiffe://$TRUST_DOMAIN/$2/$1" >/dev/null
}

make_context() {
  "$BIN/piivault" --config "$DIR/contexts.yaml" context set "$1" --address "$ADDRESS" \
    --ca "$DIR/pki/ca.crt" --cert "$DIR/pki/$1.crt" --key "$DIR/pki/$1.key"
}

# make_recipient_certificate NAME: spiffe://partners.example/NAME, by the recipients' own CA.
make_recipient_certificate() {
  "$BIN/piivault" pki issue "$1" --dir "$DIR/recipients-pki" \
    --uri "spiffe://$RECIPIENTS_DOMAIN/$1" >/dev/null
}

# make_recipient_context NAME: as make_context, with a recipient's certificate.
make_recipient_context() {
  "$BIN/piivault" --config "$DIR/contexts.yaml" context set "$1" --address "$ADDRESS" \
    --ca "$DIR/pki/ca.crt" --cert "$DIR/recipients-pki/$1.crt" --key "$DIR/recipients-pki/$1.key"
}

# init_vault: CAs, certificates of the server and of two administrators, keyring, database.
init_vault() {
  "$BIN/piivault" pki init --dir "$DIR/pki" --name "Development CA" \
    --trust-domain "$TRUST_DOMAIN" >/dev/null
  "$BIN/piivault" pki init --dir "$DIR/recipients-pki" --name "Development CA of recipients" \
    --trust-domain "$RECIPIENTS_DOMAIN" >/dev/null
  "$BIN/piivault" pki issue server --dir "$DIR/pki" --server --dns localhost --ip 127.0.0.1 \
    >/dev/null
  make_certificate sato staff
  make_certificate suzuki staff
  "$BIN/piivault" init --dir "$DIR/vault" --listen 127.0.0.1:0 --metrics 127.0.0.1:0 \
    --server-cert "$DIR/pki/server.crt" --server-key "$DIR/pki/server.key" \
    --client-ca "$DIR/pki/ca.crt" --client-identities "spiffe://$TRUST_DOMAIN/*" \
    --recipient-ca "$DIR/recipients-pki/ca.crt" \
    --recipient-identities "spiffe://$RECIPIENTS_DOMAIN/*" \
    --admin "sato=@$DIR/pki/sato.crt" --admin "suzuki=@$DIR/pki/suzuki.crt" \
    >"$DIR/init.txt" 2>"$DIR/init.log" || {
    cat "$DIR/init.log" >&2
    return 1
  }
  chmod 0600 "$DIR/init.txt"
}

# start_server: sets SERVER_PID, ADDRESS and METRICS. The ports are whatever was free.
start_server() {
  "$DAEMON" --config "$DIR/vault/piivaultd.yaml" >"$DIR/server.log" 2>&1 &
  SERVER_PID=$!
  local port="" waited=0
  while [ -z "$port" ]; do
    kill -0 "$SERVER_PID" 2>/dev/null || {
      echo "piivaultd ended:" >&2
      cat "$DIR/server.log" >&2
      return 1
    }
    [ "$waited" -lt 600 ] || { echo "piivaultd does not serve after a minute" >&2; return 1; }
    sleep 0.1
    waited=$((waited + 1))
    port="$(sed -n 's/.*"serving".*"port": *"\{0,1\}\([0-9]*\).*/\1/p' "$DIR/server.log" | head -1)"
  done
  ADDRESS="127.0.0.1:$port"
  METRICS="127.0.0.1:$(sed -n 's/.*"metrics_port": *"\{0,1\}\([0-9]*\).*/\1/p' "$DIR/server.log" |
    head -1)"
}

# stop_server: by its own process id; it finishes what is committed.
stop_server() {
  [ -n "$SERVER_PID" ] || return 0
  kill -TERM "$SERVER_PID" 2>/dev/null || true
  local code=0
  wait "$SERVER_PID" || code=$?
  SERVER_PID=""
  return "$code"
}

# quietly COMMAND...: shows what it printed only where it fails.
quietly() {
  local out code=0
  out="$("$@" 2>&1)" || code=$?
  [ "$code" -eq 0 ] || printf 'failed: %s\n%s\n' "$*" "$out" >&2
  return "$code"
}

# name_in COLLECTION: the first name of a resource in standard input; ids are long.
name_in() { grep -oE "$1/[a-z0-9]{26,64}" | head -1 || true; }

# agree COMMAND...: sato proposes, suzuki approves.
agree() {
  local answer
  answer="$(as sato "$@" 2>&1)" || {
    printf 'failed: %s\n%s\n' "$*" "$answer" >&2
    return 1
  }
  quietly as suzuki approvals approve "$(name_in proposals <<<"$answer")" --yes
}

# register NAME KIND ROLE [person's options...]: certificate, person, principal, role, context.
register() {
  local name="$1" kind="$2" role="$3" tenant=()
  shift 3
  [ "$kind" = tenant ] && tenant=(--of-tenant default)
  make_certificate "$name" "$kind"
  quietly as sato person create "$name" "$@"
  quietly as sato principal create "$name" --kind "$kind" --person "$name" "${tenant[@]}" \
    --certificate "$DIR/pki/$name.crt"
  make_context "$name"
  if [ -n "$role" ]; then agree principal grant "$name" "$role"; fi
}

# register_recipient NAME CATEGORY [further options...]: certificate, recipient, context.
register_recipient() {
  local name="$1" category="$2"
  shift 2
  make_recipient_certificate "$name"
  quietly as sato share recipient register "$name" --category "$category" --country JP \
    --certificate "$DIR/recipients-pki/$name.crt" "$@"
  make_recipient_context "$name"
}

# sign_nda NAME LAST_DAY: the signed document stays here, its SHA-256 goes to the vault.
sign_nda() {
  echo "Non-disclosure agreement of $1, a person who does not exist." >"$DIR/nda-$1.txt"
  quietly as sato nda record "$1" --document "$DIR/nda-$1.txt" --signed-at 2020-04-01 \
    --valid-until "$2"
}
