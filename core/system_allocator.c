#include "core/system_allocator.h"

#include <stdlib.h>
#include <sys/mman.h>

/* A fault for each 4 KiB page is what describing 100,000 tensors costs most; a huge page takes 512
 * of them at once. */
enum { HUGE_PAGE = 2 << 20, LARGE = 2 * HUGE_PAGE };

/* Asks for huge pages inside a block. A hint: where there are none, nothing changes. */
static void advise(char *block, size_t bytes)
{
    size_t skip = (HUGE_PAGE - (uintptr_t)block % HUGE_PAGE) % HUGE_PAGE;
    size_t whole = (bytes - skip) / HUGE_PAGE * HUGE_PAGE;
    madvise(block + skip, whole, MADV_HUGEPAGE);
}

static void *system_resize(void *user, void *block, size_t bytes)
{
    (void)user;
    void *resized = realloc(block, bytes);
    if (resized != NULL && bytes >= LARGE) {
        advise(resized, bytes);
    }
    return resized;
}

static void system_release(void *user, void *block)
{
    (void)user;
    free(block);
}

const tn_allocator tni_system_allocator = {system_resize, system_release, NULL};
