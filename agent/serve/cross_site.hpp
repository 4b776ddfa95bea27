#pragma once

#include "common/net/http.hpp"

namespace pgedge {

/// True for what a browser sends on behalf of a page from elsewhere: whoever can open a page on an operator's machine
/// must not reach an API without passwords. By the headers that browsers add and pages cannot change (Fetch Metadata,
/// W3C; Origin, RFC 6454); clients that are no browsers send neither.
bool is_cross_site(const HttpRequest& request);

}  // namespace pgedge
