/* Where memory comes from unless a context says otherwise. */
#ifndef TN_CORE_SYSTEM_ALLOCATOR_H
#define TN_CORE_SYSTEM_ALLOCATOR_H

#include <tenon/context.h>

/* malloc; large blocks ask the kernel for huge pages. */
extern const tn_allocator tni_system_allocator;

#endif
