#include "cli/bootstrap/host_setup.hpp"

#include <fmt/format.h>

#include "common/base/error.hpp"

namespace pgedge {
namespace {

/// $1: path, $2: SHA-256, $3: mode, $4: yes for a program that must be able to run here. What a lost connection leaves
/// is the old file, or the new one.
constexpr const char* kPut = R"sh(
set -e
path=$1
mkdir -p "$(dirname "$path")"
new=$path.new.$$
trap '' PIPE
trap 'exit 1' HUP INT TERM
trap 'rm -f "$new"' EXIT
rm -f "$path".new.*
cat >"$new"
is=$(sha256sum <"$new" | cut -c1-64)
[ "$is" = "$2" ] || { echo "what arrived of $path is not what was sent (SHA-256 $is instead of $2)" >&2; exit 1; }
chmod "$3" "$new"
if [ "$4" = yes ]; then
    said=$("$new" version 2>&1) || { echo "the agent cannot run here: $said" >&2; exit 1; }
fi
sync "$new"
mv -f "$new" "$path"
)sh";

constexpr const char* kStartUnit = R"sh(
set -e
systemctl daemon-reload
systemctl enable --quiet pgedge-agent
systemctl "$1" pgedge-agent || { systemctl status --no-pager --lines=20 pgedge-agent >&2; exit 1; }
)sh";

/// $1: the data directory. The one that runs is told to end, and waited for; then a new one outlives this session.
constexpr const char* kStartSupervisor = R"sh(
data=$1
chmod 0711 "$data"
if [ -f "$data/supervise.pid" ] && pid=$(cat "$data/supervise.pid") &&
    tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF "$data/supervise"; then
    kill -TERM "$pid"
    n=0
    while [ -d "/proc/$pid" ] && [ $n -lt 450 ]; do sleep 0.2; n=$((n + 1)); done
    [ ! -d "/proc/$pid" ] || { echo "the agent that runs does not end" >&2; exit 1; }
fi
setsid "$data/supervise" "$data" </dev/null >/dev/null 2>&1 &
exit 0
)sh";

/// $1: the agent's socket, $2: seconds.
constexpr const char* kAwaitAgent = R"sh(
n=0
while [ $n -lt $(($2 * 5)) ]; do
    timeout 10 /usr/local/bin/pgedge-agent dial-stdio --socket "$1" </dev/null >/dev/null 2>&1 && exit 0
    sleep 0.2
    n=$((n + 1))
done
echo "the agent does not answer; its log: journalctl -u pgedge-agent, or agent.log in its data directory" >&2
tail -n 5 "$(dirname "$(dirname "$1")")/agent.log" >&2 2>/dev/null
exit 1
)sh";

constexpr int kAwaitSeconds = 60;

}  // namespace

void set_up(RemoteHost& host, const HostPlan& plan, const Limit& limit) {
    for (const auto& file : plan.files)
        within("writing " + file.path + " on " + plan.spec.id, [&] {
            const bool is_agent = file.path.ends_with("/pgedge-agent");
            run_as_root(host, kPut, {file.path, file.sha256, fmt::format("{:o}", file.mode), is_agent ? "yes" : "no"},
                        file.content, limit);
        });
    if (!plan.start && !plan.restart) return;
    within("starting the agent on " + plan.spec.id, [&] {
        if (plan.systemd)
            run_as_root(host, kStartUnit, {"restart"}, "", limit);
        else
            run_as_root(host, kStartSupervisor, {plan.spec.data_dir}, "", limit);
        run_as_root(host, kAwaitAgent, {plan.spec.data_dir + "/run/agent.sock", std::to_string(kAwaitSeconds)}, "",
                    limit);
    });
}

}  // namespace pgedge
