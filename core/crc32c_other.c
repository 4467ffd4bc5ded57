/* CRC-32C on CPUs without an implementation of their own. */
#include "core/crc32c_impl.h"

#if !defined(__x86_64__) && !defined(__aarch64__)

tni_crc32c_fn tni_crc32c_choose(size_t len)
{
    (void)len;
    return tni_crc32c_portable;
}

const tni_crc32c_impl *tni_crc32c_impls(void)
{
    static const tni_crc32c_impl portable[] = {{"portable", tni_crc32c_portable}, {NULL, NULL}};
    return portable;
}

#else

typedef int tni_crc32c_not_other; /* ISO C wants a declaration in every file */

#endif
