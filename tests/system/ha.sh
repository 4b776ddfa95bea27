# A database of one node with an instance on each of three hosts, clients that write, and what they may see. Source it
# after lib.sh or networks.sh.

# ha_database [JQ]: makes it, changed by the filter.
ha_database() {
    guide_spec | jq -c '.spec.nodes = [{"name": "n1", "host_ids": ["host-1", "host-2", "host-3"]}] |
        .spec.postgresql_conf = {"shared_buffers": "128MB"} | '"${1:-.}" | post host-1 /v1/databases >/dev/null
    expect 200
    wait_task host-1 "$(answer .task.task_id)" 180
    sql 1 "CREATE TABLE written (id bigint PRIMARY KEY)"
}

instance_of() { basename "$(compgen -G "$work/host-$1/instances/example-n1-*")"; }
data_of() { echo "$work/host-$1/instances/$(instance_of "$1")/data/pgdata"; }
postmaster_of() { head -n 1 "$(data_of "$1")/postmaster.pid"; }
parent_of() { sed 's/.*) . \([0-9]*\).*/\1/' "/proc/$1/stat"; }
guard_of() { parent_of "$(postmaster_of "$1")"; }
recovers() { [ "$(PGCONNECT_TIMEOUT=2 sql "$1" "SELECT pg_is_in_recovery()" 2>/dev/null)" = "$2" ]; }
# The host of the only server that takes writes; nothing when there is none.
primary() {
    local n found=
    for n in 1 2 3; do recovers "$n" f && found+=$n; done
    [ ${#found} -le 1 ] || fail "several servers take writes: $found"
    echo "$found"
}
# The same, once there is one.
the_primary() {
    within 30 "there is a primary" has_primary
    primary
}
has_primary() { [ -n "$(primary)" ]; }
has_other_primary() { local now; now=$(primary); [ -n "$now" ] && [ "$now" != "$1" ]; } # than host-$1
streams_to() { [ "$(sql "$1" "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'" 2>/dev/null)" = "$2" ]; }
# The node is whole: one primary, the others stream from it.
whole() { local now; now=$(primary); [ -n "$now" ] && streams_to "$now" 2; }
become_whole() { within 60 "the node has a primary and two standbys that stream" whole; }
timeline() { sql "$(primary)" "SELECT timeline_id FROM pg_control_checkpoint()"; }

# Clients write a row every 30 ms, each by connections of its own: one to each host, whatever its server is, and one
# to whichever is the primary (number 0). What was acknowledged, and when (ms), is in $work/acknowledged-N.
clients_of=(0 1 2 3)
clients() {
    local n
    rm -f "$work/enough"
    for n in "${clients_of[@]}"; do
        : >"$work/acknowledged-$n"
        client "$n" &
        extra_pid[$!]=1
        disown $!
    done
}
client() {
    local who=$1 id=$(($1 * 1000000000)) dsn="dbname=example user=admin password=password connect_timeout=1 tcp_user_timeout=1500 port=5432"
    if [ "$who" = 0 ]; then
        dsn="$dsn host=$net.1,$net.2,$net.3 port=5432,5432,5432 target_session_attrs=read-write"
    else
        dsn="$dsn host=$net.$who"
    fi
    exec 9<> <(:) # nothing ever comes: a pause without a process
    trap - ERR
    set +e
    goes_on_writing() { [ -e "$work/acknowledged-$who" ] && [ ! -e "$work/enough" ]; } # until the test is over
    while goes_on_writing; do
        while goes_on_writing; do
            echo "INSERT INTO written VALUES ($((++id))) RETURNING id;" 2>/dev/null || break
            read -rt 0.03 -u 9
        done | psql -XqAt "$dsn" 2>/dev/null |
            while read -r row; do echo "$row ${EPOCHREALTIME/./}"; done >>"$work/acknowledged-$who"
        id=$((id + 10000000))
        read -rt 0.02 -u 9
    done
}
count() { wc -l <"$work/acknowledged-$1"; }
has_more() { [ "$(count "$1")" -gt "$2" ]; }
# goes_on [N]: the clients of host-N write, or those that look for the primary.
goes_on() { within 30 "clients write" has_more "${1:-0}" "$(($(count "${1:-0}") + 20))"; }

# phase WHAT: from here on outage, last_of and first_of count.
declare -A begun=()
phase() {
    local n
    say "$1"
    for n in "${clients_of[@]}"; do begun[$n]=$(($(count "$n") + 1)); done
}
of_phase() { tail -n "+${begun[$1]}" "$work/acknowledged-$1"; }
# The longest pause of the clients that look for the primary, in this phase, in ms.
outage() { of_phase 0 | awk 'NR > 1 && $2 - last > most { most = $2 - last } { last = $2 } END { printf "%d", most / 1000 }'; }
# took_over_in_order OLD NEW: host-OLD acknowledged nothing after host-NEW had begun to, in this phase.
took_over_in_order() {
    local last first
    last=$(of_phase "$1" | awk 'END { print $2 }')
    first=$(of_phase "$2" | awk 'NR == 1 { print $2 }')
    [ -n "$first" ] || fail "host-$2 acknowledged nothing"
    [ -z "$last" ] || [ "$last" -le "$first" ] || fail "host-$1 acknowledged $(((last - first) / 1000)) ms after host-$2 had begun to"
}
# lost MOST: ends the clients; so many acknowledged rows may be missing, none may be there twice.
lost() {
    local n
    touch "$work/enough"
    sleep 0.5
    for n in "${clients_of[@]}"; do awk '{ print $1 }' "$work/acknowledged-$n"; done | sort >"$work/told"
    sql "$(primary)" "SELECT id FROM written" | sort >"$work/there"
    n=$(comm -23 "$work/told" "$work/there" | wc -l)
    say "acknowledged $(wc -l <"$work/told"), missing $n"
    [ "$n" -le "$1" ] || fail "$n acknowledged rows are missing"
}
