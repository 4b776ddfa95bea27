#include "agent/docker/frames.hpp"

#include <algorithm>

#include "common/base/error.hpp"

namespace pgedge {
namespace {

constexpr std::size_t kFrameHead = 8;
constexpr unsigned char kLastStream = 2;

std::size_t length_in(std::string_view head) {
    std::size_t length = 0;
    for (const char byte : head.substr(4)) length = length << 8 | static_cast<unsigned char>(byte);
    const bool known =
        static_cast<unsigned char>(head[0]) <= kLastStream && head.substr(1, 3) == std::string_view("\0\0\0", 3);
    if (!known || length > OutputFrames::kMaxFrame)
        throw Error(ErrorKind::failed, "Docker sends the output of a program in a form that is not known");
    return length;
}

}  // namespace

void OutputFrames::add(std::string_view bytes) {
    while (!bytes.empty()) {
        if (left_ == 0) {
            const auto taken = std::min(kFrameHead - head_.size(), bytes.size());
            head_.append(bytes.substr(0, taken));
            bytes.remove_prefix(taken);
            if (head_.size() < kFrameHead) return;
            left_ = length_in(head_);
            head_.clear();
            continue;
        }
        const auto taken = std::min(left_, bytes.size());
        add_output(bytes.substr(0, taken));
        bytes.remove_prefix(taken);
        left_ -= taken;
    }
}

void OutputFrames::add_output(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto end = bytes.find('\n');
        const auto part = bytes.substr(0, std::min({end, bytes.size(), kMaxLine - line_.size()}));
        line_.append(part);
        const bool whole = part.size() == end;
        bytes.remove_prefix(part.size() + (whole ? 1 : 0));
        if (!whole && line_.size() < kMaxLine) continue;
        on_line_(line_);
        line_.clear();
    }
}

void OutputFrames::end() {
    if (!line_.empty()) on_line_(line_);
    line_.clear();
}

}  // namespace pgedge
