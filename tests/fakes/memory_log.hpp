#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "common/base/log.hpp"

namespace pgedge::testing {

/// Keeps every line.
class MemoryLog final : public LogSink {
public:
    void write(LogLevel level, std::string_view line) override {
        std::lock_guard lock(mutex_);
        lines_.emplace_back(level, std::string(line));
    }
    std::vector<std::pair<LogLevel, std::string>> lines() const {
        std::lock_guard lock(mutex_);
        return lines_;
    }

private:
    mutable std::mutex mutex_;
    std::vector<std::pair<LogLevel, std::string>> lines_;
};

}  // namespace pgedge::testing
