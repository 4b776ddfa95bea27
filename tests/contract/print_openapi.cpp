/// Prints our OpenAPI document: the text of schemas/openapi.json.
#include <iostream>

#include "agent/api/control_plane/openapi.hpp"

int main() { std::cout << pgedge::openapi_document().dump(2) << '\n'; }
