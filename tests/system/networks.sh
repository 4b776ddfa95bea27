# Hosts with a network of their own each, so that one can be cut off. Source it instead of lib.sh, with "$@" of the test,
# which begins again in a network namespace that ends with it. The hosts are 10.77.0.1 to .3; their agents and servers
# can be reached from the test. Skips where namespaces cannot be made.
if [ -z "${PGEDGE_OWN_NETWORK:-}" ]; then
    unshare --net true 2>/dev/null || { echo "no network namespaces here"; exit 77; }
    PGEDGE_OWN_NETWORK=1 exec unshare --net "$0" "$@"
fi
PGEDGE_NET=10.77.0
. "$(dirname "$0")/lib.sh"

ip link set lo up
ip link add hosts type bridge
ip address add $net.254/24 dev hosts
ip link set hosts up
declare -A network=() # a process in the network of host-N
for n in 1 2 3; do
    unshare --net sleep infinity &
    network[$n]=$!
    extra_pid[$!]=1
    disown $!
done
for n in 1 2 3; do
    inside=(nsenter --net="/proc/${network[$n]}/ns/net")
    # Until the process has left our network.
    until [ "$(readlink "/proc/${network[$n]}/ns/net")" != "$(readlink /proc/$$/ns/net)" ]; do sleep 0.02; done
    ip link add "host-$n" type veth peer name eth0 netns "${network[$n]}"
    ip link set "host-$n" master hosts up
    "${inside[@]}" ip link set lo up
    "${inside[@]}" ip address add "$net.$n/24" dev eth0
    "${inside[@]}" ip link set eth0 up
done
agent_network() { echo nsenter --net="/proc/${network[$1]}/ns/net"; }

# cut N: nothing leaves or reaches host-N; nobody is told. heal N ends it.
cut_off() { ip link set "host-$1" down; }
heal() { ip link set "host-$1" up; }
