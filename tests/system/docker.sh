# A Docker Engine of the test's own, with the image of tests/images. lib.sh sources it for PGEDGE_RUNTIME=docker.
#
# It shares the test's network, has no bridge, touches no firewall, and ends with the test. Where no engine can run (not
# root, a kernel or a container without what it needs) the test is skipped, with the engine's own words.

docker_socket=$work/docker.sock
engine() { command curl -sS --fail-with-body --max-time 60 --unix-socket "$docker_socket" "$@"; }
engine_answers() { engine http://docker/_ping >/dev/null 2>&1; }

skip() {
    say "skipped: $*"
    trap - ERR EXIT
    if [ -n "${engine_pid:-}" ] && kill -TERM "$engine_pid" 2>/dev/null; then within 20 "the engine ends" gone "$engine_pid"; fi
    rm -rf "$work"
    exit 77
}

# A network namespace entered by `ip netns exec` has a /sys of its own, without control groups.
start_engine() {
    # shellcheck disable=SC2016 # expanded inside
    unshare -m bash -c '
        mountpoint -q /sys/fs/cgroup || [ -e /sys/fs/cgroup/cgroup.controllers ] ||
            if ! grep -qv "^0::" /proc/self/cgroup; then mount -t cgroup2 cgroup /sys/fs/cgroup; else mount -t tmpfs cgroup /sys/fs/cgroup; fi
        if [ ! -e /sys/fs/cgroup/cgroup.controllers ]; then
            for group in $(awk "!/^#/ && \$4 == 1 && \$2 != 0 {print \$1}" /proc/cgroups); do
                mkdir -p "/sys/fs/cgroup/$group"
                mountpoint -q "/sys/fs/cgroup/$group" || mount -t cgroup -o "$group" cgroup "/sys/fs/cgroup/$group"
            done
        fi
        exec dockerd --data-root "$1/engine" --exec-root "$1/engine-run" --pidfile "$1/engine.pid" -H "unix://$1/docker.sock" \
            --bridge=none --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false --live-restore' start_engine "$work" \
        >>"$work/engine.log" 2>&1 &
    engine_pid=$!
    disown $!
    local deadline=$((SECONDS + 20 * patience))
    until engine_answers; do
        gone "$engine_pid" && return 1
        [ $SECONDS -lt $deadline ] || return 1
        sleep 0.1
    done
}

# stop_engine: containers go on (--live-restore).
stop_engine() {
    kill -TERM "$engine_pid"
    within 20 "the engine ends" gone "$engine_pid"
}

# Names of containers, running and not.
containers() { engine "http://docker/containers/json?all=1" | jq -r '.[].Names[0][1:]' | sort; }

command -v dockerd >/dev/null || skip "dockerd is not installed (scripts/install-packages --tests)"
[ "$(id -u)" = 0 ] || skip "a Docker Engine needs root"
start_engine || skip "no Docker Engine can run here: $(tail -n 1 "$work/engine.log")"
"$source_dir/tests/images/build" 15 "$work/image.tar"
engine -X POST -H 'Content-Type: application/x-tar' -T "$work/image.tar" "http://docker/images/load?quiet=1" >/dev/null
rm "$work/image.tar"
engine http://docker/images/pgedge-test:15/json | jq '.Config.Labels | {images: [{image: "pgedge-test:15", postgres: .["postgres.version"],
    bin_dir: "/usr/lib/postgresql/15/bin", extensions: {pglogical: .["pglogical.version"]}}]}' >"$work/manifest.json"
orchestrator=docker
agent_environment+=(PGEDGE_DOCKER__SOCKET="$docker_socket" PGEDGE_DOCKER__MANIFEST="$work/manifest.json")
