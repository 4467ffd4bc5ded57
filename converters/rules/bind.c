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

tn_str tni_stage_final(const tni_stage *stage, size_t index)
{
    const tni_decision *decision = &stage->decisions[index];
    return decision->name.data != NULL ? decision->name
                                       : stage->model->tensors[index].alias[TN_SCHEME_NAME];
}

/* Says how made tensor `index` comes by its name. */
static void how_made(const tni_stage *stage, uint32_t index, char *text, size_t room)
{
    const tni_made *made = &stage->made[index];
    char name[TN_ERROR_SUBJECT / 2];
    if (made->n_from == 0) {
        snprintf(text, room, "%.*s makes it", (int)made->place.len, made->place.data);
        return;
    }
    tn_escape(stage->model->tensors[made->from[0]].alias[TN_SCHEME_NAME], name, sizeof name);
    snprintf(text, room, "%.*s makes it of '%s'%s", (int)made->place.len, made->place.data, name,
             made->n_from > 1 ? " and others" : "");
}

/* Two tensors of one name; numbers from the model's count on are made ones. */
static tn_status collision(const tni_stage *stage, uint32_t a, uint32_t b, tn_str taken,
                           tn_error *err)
{
    char first[TN_ERROR_SUBJECT], second[TN_ERROR_SUBJECT];
    uint32_t count = (uint32_t)stage->model->count;
    (a < count ? how : how_made)(stage, a < count ? a : a - count, first, sizeof first);
    (b < count ? how : how_made)(stage, b < count ? b : b - count, second, sizeof second);
    tn_status status =
        tni_fail(err, TN_E_COLLISION, "two tensors would have this name: %s, %s", first, second);
    tni_error_path(err, stage->model->path);
    tni_error_subject(err, taken);
    return status;
}

static tn_status take_name(const tni_stage *stage, tni_hash *taken, tn_str name, uint32_t number,
                           tn_error *err)
{
    uint32_t other = TNI_HASH_NONE;
    tn_status status = tni_hash_add(taken, name, number, &other, err);
    if (status == TN_OK && other != TNI_HASH_NONE) {
        status = collision(stage, other, number, name, err);
    }
    return status;
}

static tn_status check_collisions(const tni_stage *stage, tn_error *err)
{
    tni_hash taken;
    tn_status status = TN_OK;
    uint32_t count = (uint32_t)stage->model->count;
    tni_hash_init(&taken, stage->model->ctx, stage->model->count);
    for (uint32_t i = 0; status == TN_OK && i < count; i++) {
        if (!stage->decisions[i].dropped && !stage->decisions[i].consumed) {
            status = take_name(stage, &taken, tni_stage_final(stage, i), i, err);
        }
    }
    for (uint32_t i = 0; status == TN_OK && i < stage->n_made; i++) {
        status = take_name(stage, &taken, stage->made[i].name, count + i, err);
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
        status = tni_stage_operands(stage, err);
    }
    if (status == TN_OK) {
        status = tni_stage_follow(stage, err);
    }
    if (status == TN_OK) {
        status = tni_stage_operate(stage, err);
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
