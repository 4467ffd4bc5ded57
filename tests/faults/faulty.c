/* tenon as it is, but for its system calls: the linker puts __wrap_tn_context_new in the place of
 * tn_context_new (-Wl,--wrap), and the context that it makes goes through tests/support/faults.c.
 * The environment says what happens: TN_FAULT="KIND AT NUMBER STICKY", where KIND is a
 * tn_fault_kind, AT the call from 1, NUMBER the errno or signal; TN_FAULT_HELPER is the helper
 * program to use; how many calls were made is written to the file TN_FAULT_CALLS at the end. */
#include "core/context.h"
#include "support/faults.h"

#include <stdio.h>
#include <stdlib.h>

tn_context *__real_tn_context_new(const tn_context_options *options);
tn_context *__wrap_tn_context_new(const tn_context_options *options);

static void tell_calls(void)
{
    const char *path = getenv("TN_FAULT_CALLS");
    FILE *stream = path == NULL ? NULL : fopen(path, "w");
    if (stream != NULL) {
        fprintf(stream, "%lu\n", tn_faults_calls());
        fclose(stream);
    }
}

tn_context *__wrap_tn_context_new(const tn_context_options *options)
{
    tn_fault_plan plan = {.kind = TN_FAULT_NONE};
    int kind = 0, number = 0, sticky = 0;
    const char *text = getenv("TN_FAULT");
    if (text != NULL && sscanf(text, "%d %lu %d %d", &kind, &plan.at, &number, &sticky) == 4) {
        plan.kind = (tn_fault_kind)kind;
        plan.sticky = sticky != 0;
        plan.sys_errno = plan.signal = number;
    }
    tn_context *ctx = __real_tn_context_new(options);
    if (ctx != NULL) {
        ctx->sys = tn_faults(plan);
        ctx->helper_path = getenv("TN_FAULT_HELPER");
        atexit(tell_calls);
    }
    return ctx;
}
