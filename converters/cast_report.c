#include "converters/cast_report.h"

#include "converters/plan.h"
#include "core/error.h"
#include "core/hash.h"
#include "model/reader.h"
#include <inttypes.h>

enum { SPAN = 1 << 18 }; /* elements that are cast at a time */

const char *tni_cast_word(tni_cast_figure figure)
{
    static const char *const words[TNI_CAST_FIGURES] = {
        [TNI_CAST_MAX_ABS_ERR] = "max_abs_err",
        [TNI_CAST_INEXACT] = "inexact",
        [TNI_CAST_SUBNORMALS] = "subnormals",
        [TNI_CAST_OVERFLOWS] = "overflows",
        [TNI_CAST_NANS] = "nans",
    };
    return words[figure];
}

typedef struct reporting {
    tn_plan *plan;
    tn_reader *reader;
    void *out;
    tni_hash seen; /* leaves, by address: several tensors may be parts of one */
} reporting;

/* Casts a whole leaf and throws the result away. */
static tn_status cast_all(const reporting *r, const tni_leaf *leaf, tn_cast_stats *stats,
                          tn_error *err)
{
    tni_leaf_cast cast = *leaf->cast;
    tni_leaf counted = *leaf;
    tn_status status = TN_OK;
    cast.stats = stats;
    counted.cast = &cast;
    for (int64_t first = 0; status == TN_OK && first < leaf->elements; first += SPAN) {
        int64_t left = leaf->elements - first;
        status = tni_leaf_fetch(r->reader, &counted, first, left < SPAN ? left : SPAN, r->out, NULL,
                                err);
        status = status != TN_OK ? status : tni_cancelled(r->plan->ctx, err);
    }
    return status;
}

static tn_status say(const reporting *r, const tn_plan_tensor *entry, const tni_leaf_cast *cast,
                     const tn_cast_stats *stats, tn_error *err)
{
    const uint64_t counts[TNI_CAST_FIGURES] = {
        [TNI_CAST_INEXACT] = stats->inexact,
        [TNI_CAST_SUBNORMALS] = stats->subnormals,
        [TNI_CAST_OVERFLOWS] = stats->overflows,
        [TNI_CAST_NANS] = stats->nans,
    };
    char text[TN_ERROR_TEXT] = "";
    size_t used = 0;
    for (int i = 0; i < TNI_CAST_FIGURES; i++) {
        const char *comma = used == 0 ? "" : ", ", *word = tni_cast_word((tni_cast_figure)i);
        char *to = text + used;
        size_t room = sizeof text - used;
        if ((cast->report >> i & 1) == 0) {
            continue;
        }
        used += (size_t)(i == TNI_CAST_MAX_ABS_ERR
                             ? snprintf(to, room, "%s%s %.9g", comma, word, stats->max_abs_err)
                             : snprintf(to, room, "%s%s %" PRIu64, comma, word, counts[i]));
    }
    return tn_report_say(r->plan->warnings, TN_SEVERITY_NOTE, "cast-report",
                         entry->from[0]->alias[TN_SCHEME_NAME], err, "cast from %s to %s: %s",
                         tn_dtype_about(cast->from)->name,
                         tn_dtype_about(entry->tensor->dtype)->name, text);
}

/* Reports what has not been yet of a tensor's leaves. */
static tn_status report_tensor(reporting *r, const tn_plan_tensor *entry, tn_error *err)
{
    tn_cast_stats stats = {0};
    const tni_leaf_cast *cast = NULL;
    tn_status status = TN_OK;
    for (uint32_t i = 0; status == TN_OK && i < entry->tensor->n_pieces; i++) {
        const tni_leaf *leaf = entry->tensor->pieces[i].leaf;
        uint32_t old = TNI_HASH_NONE;
        void *key;
        if (leaf->cast == NULL || leaf->cast->report == 0) {
            continue;
        }
        status = tni_arena_alloc(&r->plan->arena, sizeof leaf, &key, err);
        if (status == TN_OK) {
            memcpy(key, &leaf, sizeof leaf);
            status = tni_hash_add(&r->seen, (tn_str){key, sizeof leaf}, 0, &old, err);
        }
        if (status == TN_OK && old == TNI_HASH_NONE) {
            cast = leaf->cast;
            status = cast_all(r, leaf, &stats, err);
        }
    }
    if (status != TN_OK) {
        tni_error_subject(err, entry->from[0]->alias[TN_SCHEME_NAME]);
    }
    return status == TN_OK && cast != NULL ? say(r, entry, cast, &stats, err) : status;
}

static bool asks(const tn_tensor *tensor)
{
    for (uint32_t i = 0; i < tensor->n_pieces; i++) {
        const tni_leaf_cast *cast = tensor->pieces[i].leaf->cast;
        if (cast != NULL && cast->report != 0) {
            return true;
        }
    }
    return false;
}

tn_status tni_cast_report(tn_plan *plan, tn_error *err)
{
    enum { WIDEST = 16 }; /* bytes of an element */
    reporting r = {.plan = plan};
    tn_status status = TN_OK;
    tni_hash_init(&r.seen, plan->ctx, 0);
    for (size_t i = 0; status == TN_OK && i < plan->n_tensors; i++) {
        if (!asks(plan->tensors[i].tensor)) {
            continue;
        }
        if (r.reader == NULL) {
            status = tn_reader_new(plan->ctx, false, &r.reader, err);
            status =
                status != TN_OK ? status : tni_alloc(plan->ctx, (size_t)SPAN * WIDEST, &r.out, err);
        }
        status = status != TN_OK ? status : report_tensor(&r, &plan->tensors[i], err);
    }
    tni_hash_clear(&r.seen);
    tni_free(plan->ctx, r.out);
    tn_reader_free(r.reader);
    return status;
}
