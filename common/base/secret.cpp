#include "common/base/secret.hpp"

#include <openssl/crypto.h>

namespace pgedge {

Secret& Secret::operator=(const Secret& other) {
    if (this == &other) return *this;
    wipe(text_);
    text_ = other.text_;
    return *this;
}

Secret& Secret::operator=(Secret&& other) noexcept {
    if (this == &other) return *this;
    wipe(text_);
    text_ = std::move(other.text_);
    wipe(other.text_);
    return *this;
}

void Secret::wipe(std::string& text) noexcept {
    text.resize(text.capacity());  // a short text that was moved away has no size any more, but is still there
    OPENSSL_cleanse(text.data(), text.size());
    text.clear();
}

}  // namespace pgedge
