# Three agents on loopback and what tests of them need. Source it; it cleans up after itself, also when a test fails.
#
#   PGEDGE_BIN   directory with pgedgectl, pgedge-agent, pgedge-guard and openapi_check (default: build/debug/bin)
#   PGEDGE_NET   first three numbers of the loopback addresses (default: 127.18.0)
#   PGEDGE_KEEP  when set, the working directory stays
#   PGEDGE_TLS   when set, the APIs have TLS and take clients with a certificate only; curl and ctl have one
#   PGEDGE_RUNTIME  "docker": instances run in containers, of a Docker Engine that is started for the test (default: process)
#   PGEDGE_PATIENCE  factor of all deadlines (default: 3), for machines that do a lot besides
#
# curl is a function here: it reaches host-1, host-2, host-3 (and localhost, as host-1), keeps the answer for expect,
# must and header, checks it against our OpenAPI document, and prints its body.
set -Eeuo pipefail
export LC_ALL=C.UTF-8 no_proxy='*' # messages as we compare them; all addresses are our own

source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
bin=${PGEDGE_BIN:-$source_dir/build/debug/bin}
net=${PGEDGE_NET:-127.18.0}
patience=${PGEDGE_PATIENCE:-3}
work=$(mktemp -d /tmp/pgedge-system.XXXXXX)
chmod 755 "$work" # instances run as another user when we are root
mkdir "$work/answers"
declare -A agent_pid=()

connect=(--connect-to "localhost:3000:$net.1:3000")
for n in 1 2 3; do connect+=(--connect-to "host-$n:3000:$net.$n:3000"); done
scheme=http
identity=() # of ctl

# certificate NAME SUBJECT_ALT_NAMES [DAYS_FROM DAYS_TO]: $work/tls/NAME.{crt,key}, signed by $work/tls/ca.
certificate() {
    local name=$1 names=$2 from=${3:--1} to=${4:-30}
    (
        cd "$work/tls"
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$name.key" -out "$name.csr" -subj "/CN=$name"
        printf 'basicConstraints=CA:FALSE\n%s\n' "${names:+subjectAltName=$names}" >"$name.ext"
        openssl ca -batch -config ca.cnf -in "$name.csr" -out "$name.crt" -extfile "$name.ext" -notext \
            -startdate "$(date -u -d "$from days" +%Y%m%d%H%M%SZ)" -enddate "$(date -u -d "$to days" +%Y%m%d%H%M%SZ)"
        chmod 600 "$name.key"
    ) >>"$work/openssl.log" 2>&1 || { cat "$work/openssl.log"; return 1; }
}
# authority NAME: another one, in $work/tls/NAME.{crt,key}.
authority() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/tls/$1.key" -out "$work/tls/$1.crt" \
        -days 30 -subj "/CN=$1" >>"$work/openssl.log" 2>&1
}
if [ -n "${PGEDGE_TLS:-}" ]; then
    mkdir "$work/tls"
    authority ca
    : >"$work/tls/index"
    printf '[ca]\ndefault_ca=it\n[it]\ndatabase=index\nrand_serial=yes\nunique_subject=no\nnew_certs_dir=.\ncertificate=ca.crt\nprivate_key=ca.key\ndefault_md=sha256\npolicy=any\n[any]\ncommonName=supplied\n' >"$work/tls/ca.cnf"
    for n in 1 2 3 4; do certificate "host-$n" "DNS:host-$n,DNS:localhost,IP:$net.$n"; done
    certificate ops ""
    scheme=https
    identity=(--ca-file "$work/tls/ca.crt" --cert-file "$work/tls/ops.crt" --key-file "$work/tls/ops.key")
    connect+=(--cacert "$work/tls/ca.crt" --cert "$work/tls/ops.crt" --key "$work/tls/ops.key")
fi

say() { printf '%(%H:%M:%S)T %s\n' -1 "$*"; }

fail() {
    say "FAILED: $*"
    exit 1
}

trap 'say "FAILED at line $LINENO of $(basename "$0"): $BASH_COMMAND"' ERR
trap finish EXIT

# Ends what this test started: its agents, then whatever still names its working directory.
finish() {
    local status=$? pid n
    trap - ERR EXIT
    set +e
    if [ $status -ne 0 ]; then
        for n in 1 2 3; do
            [ -e "$work/host-$n.log" ] && { echo "--- host-$n.log"; tail -n 25 "$work/host-$n.log"; }
        done
    fi
    for pid in "${agent_pid[@]}"; do kill -9 "$pid" 2>/dev/null; done
    for pid in "${!extra_pid[@]}"; do kill "$pid" 2>/dev/null; done
    kill_ours TERM
    for _ in $(seq 50); do [ -z "$(ours)" ] && break; sleep 0.1; done
    kill_ours KILL
    [ -n "${PGEDGE_KEEP:-}" ] && { say "kept: $work"; exit $status; }
    rm -rf "$work" "${extra_directories[@]}"
    [ $status -eq 0 ] && say "passed: $(basename "$0")"
    exit $status
}
declare -A extra_pid=() # of helpers in the background
extra_directories=()

# Ids of processes whose command line or working directory names our directory: guards and servers that agents left.
ours() {
    {
        grep -alsFf <(printf '%s/' "$work") /proc/[0-9]*/cmdline || true # none, or some ended meanwhile
        find /proc/[0-9]*/cwd -maxdepth 0 -lname "$work/*" 2>/dev/null || true
    } | sed -E 's|/proc/([0-9]+)/.*|\1|' | sort -u | { grep -vx $$ || true; }
}
kill_ours() {
    local pid
    for pid in $(ours); do kill "-$1" "$pid" 2>/dev/null || true; done
    return 0
}

# --- agents

agent_environment=() # more variables of agents
orchestrator=process
agent_network() { :; } # N: words before the command of host-N's agent
declare -A host_id=() # other ids than host-N, by N
# start_agent N: starts the agent of host-N with exactly the environment that the documentation names.
start_agent() {
    local n=$1
    mkdir -p "$work/host-$n"
    local access=(PGEDGE_HTTP__INSECURE=true)
    # host-2 shows a certificate of its own when it joins, as upstream's configuration has it; the others need none.
    [ $scheme = https ] && access=(PGEDGE_HTTP__CA_CERT="$work/tls/ca.crt" PGEDGE_HTTP__SERVER_CERT="$work/tls/host-$n.crt"
        PGEDGE_HTTP__SERVER_KEY="$work/tls/host-$n.key")
    [ $scheme = https ] && [ "$n" = 2 ] &&
        access+=(PGEDGE_HTTP__CLIENT_CERT="$work/tls/ops.crt" PGEDGE_HTTP__CLIENT_KEY="$work/tls/ops.key")
    # shellcheck disable=SC2046 # words
    $(agent_network "$n") env -i PATH="$PATH" "${agent_environment[@]}" \
        PGEDGE_HOST_ID="${host_id[$n]:-host-$n}" PGEDGE_DATA_DIR="$work/host-$n" PGEDGE_ORCHESTRATOR=$orchestrator \
        PGEDGE_PEER_ADDRESSES="$net.$n" PGEDGE_CLIENT_ADDRESSES="$net.$n" \
        PGEDGE_HTTP__BIND_ADDR="$net.$n" PGEDGE_HTTP__PORT=3000 "${access[@]}" \
        "$bin/pgedge-agent" run >>"$work/host-$n.log" 2>&1 &
    agent_pid[$n]=$!
    disown $!
}

start_agents() {
    local n
    for n in 1 2 3; do start_agent "$n"; done
    for n in 1 2 3; do wait_ready "$n"; done
}

answers() { command curl -sf --max-time 10 "${connect[@]}" -o /dev/null "$scheme://host-$1:3000/v1/version"; }
wait_ready() { within 15 "host-$1 answers" answers "$1"; }

# kill_agent N: power cut for the agent; its servers live on.
kill_agent() {
    kill -9 "${agent_pid[$1]}"
    within 10 "the killed agent of host-$1 is gone" gone "${agent_pid[$1]}" # until then its port is not free
    unset "agent_pid[$1]"
}
stop_agent() {
    kill -TERM "${agent_pid[$1]}"
    within 30 "the agent of host-$1 ends" gone "${agent_pid[$1]}"
    unset "agent_pid[$1]"
}
# gone PID: ended, buried or not. While a zombie has threads they may still hold its port.
gone() {
    ! kill -0 "$1" 2>/dev/null ||
        [[ $(cat "/proc/$1/status" 2>/dev/null) == *State:$'\t'Z*Threads:$'\t'[01]$'\n'* ]]
}

# within SECONDS WHAT COMMAND…: (times the patience) until the command succeeds.
within() {
    local deadline=$((SECONDS + $1 * patience)) what=$2
    shift 2
    until "$@"; do
        [ $SECONDS -lt $deadline ] || fail "not in time: $what"
        sleep 0.1
    done
}

# form_cluster: init on host-1, join of the others.
form_cluster() {
    curl $scheme://host-1:3000/v1/cluster/init >"$work/token"
    expect 200
    local n
    for n in 2 3; do
        curl -X POST "$scheme://host-$n:3000/v1/cluster/join" -H 'Content-Type:application/json' --data "@$work/token" >/dev/null
        expect 204
    done
}

# --- requests

answer_number=0
curl() {
    local said
    said=$(command curl -sS --max-time 330 "${connect[@]}" -D "$work/headers" -o "$work/body" \
        -w '%{method} %{http_code} %{url_effective}' "$@") || { say "curl $* failed"; return 1; }
    read -r method status url <<<"$said"
    printf '%s\n' "$status" >"$work/status"
    local path=${url#*//*/}
    path=/${path%%\?*}
    [ "$status" = 204 ] && : >"$work/body"
    cp "$work/body" "$(mktemp "$work/answers/XXXXXXXX")"
    "$bin/openapi_check" "$source_dir/schemas/openapi.json" "$method" "$path" "$status" \
        "$(header Content-Type)" "$(header goa-error)" "$work/body" >&2
    cat "$work/body"
}

# header NAME: of the last answer; empty when it is not there.
header() { tr -d '\r' <"$work/headers" | sed -n "s/^$1: //Ip" | head -n 1; }

# expect STATUS [GOA_ERROR]: of the last answer.
expect() {
    local status
    status=$(cat "$work/status")
    [ "$status" = "$1" ] || fail "status $status instead of $1: $(cat "$work/body")"
    [ -n "$(header Date)" ] || fail "an answer without a Date header"
    if [ $# -gt 1 ]; then
        [ "$(header goa-error)" = "$2" ] || fail "goa-error '$(header goa-error)' instead of '$2': $(cat "$work/body")"
        [ "$(jq -r .name "$work/body")" = "$2" ] || fail "the body's name is not '$2': $(cat "$work/body")"
    fi
}

# must FILTER: holds for the last answer (jq).
must() { jq -e "$1" "$work/body" >/dev/null || fail "does not hold: $1: $(head -c 2000 "$work/body")"; }
# answer FILTER: a value of the last answer.
answer() { jq -r "$1" "$work/body"; }

# --- databases and tasks

# wait_task HOST TASK SECONDS [STATUS]: until the task is final; it must be completed, or STATUS.
wait_task() {
    local deadline=$((SECONDS + $3 * patience)) status=
    while [ $SECONDS -lt $deadline ]; do
        status=$(command curl -s --max-time 20 "${connect[@]}" "$scheme://$1:3000/v1/tasks/$2" | jq -r '.status // empty') || status=
        case $status in completed | failed | canceled) break ;; esac
        sleep 0.1
    done
    [ "$status" = "${4:-completed}" ] && return
    command curl -s --max-time 20 "${connect[@]}" "$scheme://$1:3000/v1/tasks/$2/log?limit=15" | jq -c '.entries[] | [.message, .fields]' || true
    fail "task $2 is '$status' instead of '${4:-completed}': $(command curl -s "${connect[@]}" "$scheme://$1:3000/v1/tasks/$2")"
}

# database_is HOST DATABASE STATE
database_is() {
    [ "$(command curl -s --max-time 20 "${connect[@]}" "$scheme://$1:3000/v1/databases/$2" | jq -r .state)" = "$3" ]
}
database_gone() {
    [ "$(command curl -s --max-time 20 -o /dev/null -w '%{http_code}' "${connect[@]}" "$scheme://$1:3000/v1/databases/$2")" = 404 ]
}

# sql N STATEMENT…: each by itself, as the user guide's admin on host-N; prints the plain results.
sql() {
    local host=$net.$1 statement words=()
    shift
    for statement in "$@"; do words+=(-c "$statement"); done
    PGPASSWORD=${password:-password} psql -XqAt -v ON_ERROR_STOP=1 -d "${database:-example}" -U admin -h "$host" \
        -p "${port:-5432}" "${words[@]}"
}
# sees N QUERY RESULT
sees() { [ "$(sql "$1" "$2" 2>/dev/null)" = "$3" ]; }

# ctl WORD…: the command line on host-2, with nothing of our own settings.
ctl() {
    env -i PATH="$PATH" HOME="$work" PGEDGECTL_ENDPOINT="$scheme://$net.2:3000" "$bin/pgedgectl" "${identity[@]}" "$@" </dev/null
}
# exits CODE COMMAND…: ends with this code.
exits() {
    local code=0 wanted=$1
    shift
    "$@" || code=$?
    [ $code -eq "$wanted" ] || fail "exit code $code instead of $wanted: $*"
}

# says TEXT CODE ARG…: pgedgectl ends with the code and prints the text; all that it printed is in $work/said.
says() {
    local text=$1 code=$2
    shift 2
    (exits "$code" ctl "$@") >"$work/said" 2>&1 || fail "pgedgectl $*: $(cat "$work/said")"
    grep -qF -- "$text" "$work/said" || fail "pgedgectl $* does not say '$text': $(cat "$work/said")"
}

# The database of the user guide.
guide_spec() {
    cat <<'JSON'
{
    "id": "example",
    "spec": {
        "database_name": "example",
        "database_users": [
            {"username": "admin", "password": "password", "db_owner": true, "attributes": ["SUPERUSER", "LOGIN"]}
        ],
        "port": 5432,
        "nodes": [
            {"name": "n1", "host_ids": ["host-1"]},
            {"name": "n2", "host_ids": ["host-2"]},
            {"name": "n3", "host_ids": ["host-3"]}
        ]
    }
}
JSON
}
# post HOST PATH < BODY
post() { curl -X POST "$scheme://$1:3000$2" -H 'Content-Type:application/json' --data @- ; }

# shellcheck source=tests/system/docker.sh
if [ "${PGEDGE_RUNTIME:-process}" = docker ]; then . "$source_dir/tests/system/docker.sh"; fi
