#pragma once

#include <filesystem>
#include <string>

#include "common/base/uuid.hpp"

namespace pgedge::testing {

/// A directory of its own, gone with all that is in it when this dies.
class TemporaryDirectory {
public:
    TemporaryDirectory() : path_(std::filesystem::temp_directory_path() / ("pgedge-test-" + random_hex(8))) {
        std::filesystem::create_directories(path_);
    }
    ~TemporaryDirectory() {
        std::error_code ignored;  // a test's leftovers are no reason to end it
        std::filesystem::remove_all(path_, ignored);
    }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    const std::filesystem::path& path() const { return path_; }

private:
    const std::filesystem::path path_;
};

}  // namespace pgedge::testing
