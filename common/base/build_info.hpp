#pragma once

#include <string>

namespace pgedge {

/// Which build this is. Both programs and GET /v1/version tell it.
struct BuildInfo {
    std::string version;        ///< "v0.10.0": of the project, as git tags it
    std::string revision;       ///< commit; "unknown" when built outside a repository
    std::string revision_time;  ///< RFC 3339, of that commit; of the epoch when unknown
    std::string arch;           ///< "amd64" or "arm64", in Debian's words; else the machine's own
};

const BuildInfo& build_info();

}  // namespace pgedge
