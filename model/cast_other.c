/* The loops of casts on CPUs whose compilers make the vectors by themselves, as on 64-bit ARM. */
#include "model/cast_impl.h"

#if !defined(__x86_64__)

const tni_cast_impl *tni_cast_choose(void)
{
    return &tni_cast_portable;
}

#else

typedef int tni_cast_not_other; /* ISO C wants a declaration in every file */

#endif
