#pragma once

// Calls of the API travel over a Transport. It is declared in common/net, beside the one that speaks HTTP.
#include "common/net/transport.hpp"
