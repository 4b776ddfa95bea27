#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace pgedge {

/// Takes a program's output out of the frames in which Docker sends it, and the output apart into lines.
///
///     frame := stream (1 byte: 0, 1 or 2), 3 bytes of 0, length (4 bytes, big-endian), that many bytes
///
/// Both streams are taken as one, in order of arrival. A line longer than kMaxLine comes in parts.
class OutputFrames {
public:
    static constexpr std::size_t kMaxLine = 64 << 10, kMaxFrame = 16 << 20;
    using OnLine = std::function<void(std::string_view)>;

    explicit OutputFrames(OnLine on_line) : on_line_(std::move(on_line)) {}
    /// Any part of the stream. Throws Error{failed} for what is no frame.
    void add(std::string_view bytes);
    /// The stream is over: a last line may lack its end.
    void end();

private:
    void add_output(std::string_view bytes);

    const OnLine on_line_;
    std::string head_, line_;
    std::size_t left_ = 0;  ///< of the frame that has begun
};

}  // namespace pgedge
