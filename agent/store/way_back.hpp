#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "agent/store/address_book.hpp"
#include "agent/store/raft/promises.hpp"
#include "agent/store/state/codec.hpp"
#include "agent/store/store.hpp"
#include "agent/store/store_directory.hpp"
#include "agent/store/store_peers.hpp"
#include "common/base/clock.hpp"

namespace pgedge {

// How a host comes back whose store is lost, or older than what it promised: docs/store.md, "Old and lost copies".

/// What the others know of a member.
struct Reference {
    Promise promise{};
    /// The node that the cluster has for this host, where the leader answered; 0: not known.
    std::uint64_t node_id = 0;
};

/// Asks the other agents, all at once and for at most a second, what they know of this host's node. Those that do not
/// answer count as knowing nothing.
Reference ask_for_reference(const AddressBook& addresses, StorePeers& peers, const StoreIdentity& self,
                            const Limit& limit);
/// The same of one host. Throws Error{unreachable} and the like.
Reference ask_for_reference(const std::string& host, const PeerAddress& address, StorePeers& peers,
                            const StoreIdentity& self, const Limit& limit);
/// The answer to it. `listed` is the node id in the table of hosts, or empty.
std::string reference_answer(const Promise& promise, const std::string& listed);

/// Asks one agent after the other to take this host back under its new node id. The addresses of all agents when one
/// did; nullopt: none could, and `why` says what they said.
std::optional<std::map<std::string, PeerAddress>> ask_to_return(const AddressBook& addresses, StorePeers& peers,
                                                                const StoreIdentity& self, const Limit& limit,
                                                                std::string& why);
/// The answer to it: gives the calling host its new node. `store` is that of the agent which was asked.
std::string answer_return(Decoder& request, const std::string& caller, const std::string& cluster_id, Store& store,
                          const AddressBook& addresses, const Limit& limit);

/// Moves what is there of a store out of the way, to `<directory>-before-<time>`; where the folder is a disk of its
/// own, to a folder inside. Keeps the newest two of them. The place, or empty when there was nothing.
std::filesystem::path set_aside(const std::filesystem::path& directory, const Clock& clock);

}  // namespace pgedge
