#include "converters/rules/bind.h"

#include "core/hash.h"
#include <tenon/text.h>

/* Says how a tensor comes by a name: by a rule, or because it has it. */
static void how(const tni_stage *stage, uint32_t index, char *text, size_t room)
{
    const tni_decision *decision = &stage->decisions[index];
    const tn_tensor *tensor = &stage->model->tensors[index];
    char name[TN_ERROR_SUBJECT / 2];
    tn_escape(tensor->alias[TN_SCHEME_NAME], name, sizeof name);
    if (decision->name.data != NULL) {
        snprintf(text, room, "%.*s makes it of '%s'", (int)decision->place.len,
                 decision->place.data, name);
    } else {
        snprintf(text, room, "'%s' keeps it", name);
    }
}

static tn_str final_name(const tni_stage *stage, size_t index)
{
    const tni_decision *decision = &stage->decisions[index];
    return decision->name.data != NULL ? decision->name
                                       : stage->model->tensors[index].alias[TN_SCHEME_NAME];
}

static tn_status collision(const tni_stage *stage, uint32_t a, uint32_t b, tn_error *err)
{
    char first[TN_ERROR_SUBJECT], second[TN_ERROR_SUBJECT];
    how(stage, a, first, sizeof first);
    how(stage, b, second, sizeof second);
    tn_status status =
        tni_fail(err, TN_E_COLLISION, "two tensors would have this name: %s, %s", first, second);
    tni_error_path(err, stage->model->path);
    tni_error_subject(err, final_name(stage, a));
    return status;
}

static tn_status check_collisions(const tni_stage *stage, tn_error *err)
{
    tni_hash taken;
    tn_status status = TN_OK;
    tni_hash_init(&taken, stage->model->ctx, stage->model->count);
    for (uint32_t i = 0; status == TN_OK && i < stage->model->count; i++) {
        uint32_t other = TNI_HASH_NONE;
        if (!stage->decisions[i].dropped) {
            status = tni_hash_add(&taken, final_name(stage, i), i, &other, err);
        }
        if (status == TN_OK && other != TNI_HASH_NONE) {
            status = collision(stage, other, i, err);
        }
    }
    tni_hash_clear(&taken);
    return status;
}

tn_status tni_stage_bind(tni_stage *stage, tn_error *err)
{
    void *block;
    tn_status status =
        tni_arena_array(stage->arena, stage->model->count, sizeof(tni_decision), &block, err);
    if (status != TN_OK) {
        return status;
    }
    stage->decisions = block;
    tni_matcher_init(&stage->matcher, stage->model->ctx);
    tni_buffer_init(&stage->buffer, stage->model->ctx);
    status = tni_guard_before(stage, err);
    if (status == TN_OK) {
        status = tni_stage_claim(stage, err);
    }
    if (status == TN_OK) {
        status = tni_stage_follow(stage, err);
    }
    if (status == TN_OK) {
        status = check_collisions(stage, err);
    }
    if (status == TN_OK) {
        status = tni_guard_after(stage, err);
    }
    tni_buffer_clear(&stage->buffer);
    tni_matcher_clear(&stage->matcher);
    return status;
}
