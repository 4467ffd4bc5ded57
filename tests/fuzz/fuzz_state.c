/* The state file: what is read comes back from the text that tenon writes of it. */
#include "formats/shared/state_write.h"
#include "target.h"

static void check_same(const tni_tf_state *a, const tni_tf_state *b)
{
    FUZZ_HOLDS(tn_str_equal(a->latest, b->latest)); /* none is written as an empty one */
    FUZZ_HOLDS(a->n_all == b->n_all && a->n_times == b->n_times);
    for (size_t i = 0; i < a->n_all; i++) {
        FUZZ_HOLDS(tn_str_equal(a->all[i], b->all[i]));
    }
    for (size_t i = 0; i < a->n_times; i++) {
        FUZZ_HOLDS(a->times[i] == b->times[i] ||
                   (a->times[i] != a->times[i] && b->times[i] != b->times[i]));
    }
    FUZZ_HOLDS(a->has_last_preserved == b->has_last_preserved);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz f;
    tni_arena arena;
    tni_tf_state state, again;
    tn_error err = {0};
    fuzz_begin(&f);
    tni_arena_init(&arena, f.ctx, FUZZ_MEMORY);
    tn_status status =
        tni_tf_state_parse((tn_str){(const char *)data, size}, "checkpoint", &arena, &state, &err);
    if (status == TN_OK) {
        tni_buffer text;
        tni_buffer_init(&text, f.ctx);
        tni_tf_state_text(&state, &text);
        tn_str written = {text.len == 0 ? "" : text.data, text.len};
        FUZZ_HOLDS(tni_tf_state_parse(written, "checkpoint", &arena, &again, &err) == TN_OK);
        check_same(&state, &again);
        tni_buffer_clear(&text);
    } else {
        FUZZ_HOLDS(err.code == TN_E_CORRUPT ? err.line > 0 : err.code != TN_E_NONE);
    }
    tni_arena_clear(&arena);
    fuzz_end(&f);
    return 0;
}
