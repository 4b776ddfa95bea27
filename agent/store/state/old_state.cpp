#include "agent/store/state/old_state.hpp"

#include <cstddef>

#include "common/base/error.hpp"

namespace pgedge {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kLogHead = 32, kFrameHead = 24;  // of SQLite's write-ahead log
constexpr std::size_t kSaltInHead = 16, kSaltInFrame = 8, kSaltSize = 8;
constexpr std::size_t kCountInPageOne = 28;  // of the file's pages
enum Type : unsigned char { kOpen = 1, kPages, kUndo, kCheckpoint };

[[noreturn]] void damaged(const char* what) {
    throw Error(ErrorKind::failed, std::string("the store's log has a damaged ") + what + " of an earlier version");
}

/// Takes numbers, names and bytes from the front of a text.
class Cursor {
public:
    Cursor(std::string_view bytes, const char* what) : left_(bytes), what_(what) {}
    std::string_view take(std::size_t size) {
        if (size > left_.size()) damaged(what_);
        const auto taken = left_.substr(0, size);
        left_.remove_prefix(size);
        return taken;
    }
    std::uint64_t number(std::size_t size) {
        std::uint64_t value = 0;
        const auto bytes = take(size);
        for (std::size_t i = 0; i < size; ++i) value |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
        return value;
    }
    void name() {
        const auto end = left_.find('\0');
        if (end == std::string_view::npos) damaged(what_);
        take(end / 8 * 8 + 8);
    }

private:
    std::string_view left_;
    const char* what_;
};

/// Most significant byte first, as SQLite writes.
std::uint32_t number_at(std::string_view bytes, std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
    return value;
}

}  // namespace

bool OldState::is_snapshot(std::string_view snapshot) {
    return snapshot.substr(0, 8) == std::string_view("\1\0\0\0\0\0\0\0", 8);
}

void OldState::put(const Pages& pages) {
    for (const auto& [number, page] : pages) pages_[number] = page;
    const auto first = pages_.find(1);
    if (first == pages_.end()) return;
    pages_.erase(pages_.upper_bound(number_at(first->second, kCountInPageOne)), pages_.end());
}

void OldState::apply(std::string_view entry) {
    Cursor cursor(entry, "entry");
    cursor.take(1);
    const auto type = cursor.number(1);
    cursor.take(6);
    if (type == kUndo) waiting_.clear();
    if (type == kOpen || type == kUndo || type == kCheckpoint) return;
    if (type != kPages) damaged("entry");
    cursor.name();
    cursor.take(8 + 4);
    const bool last = cursor.number(1) != 0;
    cursor.take(3);
    const auto count = cursor.number(4);
    if (cursor.number(2) != kPage) damaged("entry");
    cursor.take(2);
    if (count > entry.size() / kPage) damaged("entry");
    auto numbers = Cursor(cursor.take(count * 8), "entry");
    for (std::uint64_t i = 0; i < count; ++i) waiting_[numbers.number(8)] = std::string(cursor.take(kPage));
    if (!last) return;
    put(waiting_);
    waiting_.clear();
}

void OldState::restore(std::string_view snapshot) {
    pages_.clear();
    waiting_.clear();
    Cursor cursor(snapshot, "snapshot");
    cursor.take(8);
    const auto databases = cursor.number(8);
    if (databases == 0) return;
    if (databases != 1) damaged("snapshot");
    cursor.name();
    const auto file_size = cursor.number(8), log_size = cursor.number(8);
    const auto file = cursor.take(file_size), log = cursor.take(log_size);
    if (file.size() % kPage != 0) damaged("snapshot");
    for (std::size_t at = 0; at < file.size(); at += kPage) pages_[at / kPage + 1] = file.substr(at, kPage);
    if (log.size() < kLogHead) return;
    const auto salt = log.substr(kSaltInHead, kSaltSize);
    Pages written;
    for (std::size_t at = kLogHead; at + kFrameHead + kPage <= log.size(); at += kFrameHead + kPage) {
        const auto frame = log.substr(at, kFrameHead + kPage);
        if (frame.substr(kSaltInFrame, kSaltSize) != salt) break;  // of the log's life before
        written[number_at(frame, 0)] = std::string(frame.substr(kFrameHead));
        if (number_at(frame, 4) == 0) continue;  // not the last page of its transaction
        put(written);
        written.clear();
    }
}

std::string OldState::image() const {
    if (pages_.empty()) return {};
    std::string image(pages_.rbegin()->first * kPage, '\0');
    for (const auto& [number, page] : pages_) image.replace((number - 1) * kPage, kPage, page);
    return image;
}

}  // namespace pgedge
