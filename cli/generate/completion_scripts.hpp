#pragma once

#include <string>
#include <string_view>

namespace pgedge {

/// The text of completions/ for "bash", "zsh" or "fish". Throws std::out_of_range for any other shell.
std::string_view completion_script(const std::string& shell);

}  // namespace pgedge
