#pragma once

namespace pgedge {

/// For a program of dozens of threads that sleep most of the time: they share a few heaps, and large buffers, such as
/// copies of the store, come from the system and go back to it. Before the first thread.
void prepare_memory();

/// Gives back what is not in use now: free pages of the heap, and pages of code, most of which only the start needed.
/// They stay in the system's cache and come back when they are run. For now and then, from any thread.
void give_memory_back();

}  // namespace pgedge
