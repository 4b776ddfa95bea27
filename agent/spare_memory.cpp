#include "agent/spare_memory.hpp"

#include <cstddef>
#include <cstdint>

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

namespace pgedge {
namespace {

/// Nothing but what is never written is let go: the rest could not be read again.
int let_code_go(dl_phdr_info* object, std::size_t, void*) {
    static const std::uintptr_t page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    for (int i = 0; i < object->dlpi_phnum; ++i) {
        const auto& part = object->dlpi_phdr[i];
        if (part.p_type != PT_LOAD || (part.p_flags & PF_W) != 0) continue;
        const std::uintptr_t begin = object->dlpi_addr + part.p_vaddr;
        const std::uintptr_t first = begin / page * page;
        // NOLINTNEXTLINE(performance-no-int-to-ptr): the loader tells addresses as numbers
        ::madvise(reinterpret_cast<void*>(first), begin + part.p_memsz - first, MADV_DONTNEED);
    }
    return 0;
}

}  // namespace

void prepare_memory() {
    constexpr int kLargeBuffer = 1024 * 1024;
    ::mallopt(M_ARENA_MAX, 4);
    ::mallopt(M_MMAP_THRESHOLD, kLargeBuffer);
    ::mallopt(M_TRIM_THRESHOLD, 4 * kLargeBuffer);  // what one request gives back the next one may need
}

void give_memory_back() {
    ::malloc_trim(0);
    ::dl_iterate_phdr(let_code_go, nullptr);
}

}  // namespace pgedge
