/* Pairing by order: where names are no help, layers of the same shapes one after the other are
 * taken for the same layers. That proves nothing, so the plan warns of it. */
#include "converters/like.h"
#include "model/roles.h"
#include <stdlib.h>
#include <tenon/text.h>

enum { FEW = 64 /* weights of a layer that are looked up by their words */ };

/* A weight and where it stands. */
typedef struct weight {
    tn_str scope, word; /* what stands before and behind the last separator of its name */
    uint64_t layer, place;
    uint32_t index;
} weight;

typedef struct sequence {
    weight *at;
    size_t count;
    bool known; /* the file tells the order; else it is that of the names */
} sequence;

/* Reads "layer/weight", as the scheme order spells it. */
static bool read_place(tn_str text, weight *w)
{
    enum { MOST = 18 };
    uint64_t *number = &w->layer;
    w->layer = w->place = 0;
    size_t digits = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '/' && number == &w->layer && digits > 0) {
            number = &w->place;
            digits = 0;
        } else if (c < '0' || c > '9' || ++digits > MOST) {
            return false;
        } else {
            *number = *number * 10 + (uint64_t)(c - '0');
        }
    }
    return number == &w->place && digits > 0;
}

/* Splits a name at its last '/', or, where it has none, at its last '.'. */
static void split(tn_str name, weight *w)
{
    w->word = tni_last_component(name);
    if (w->word.len == name.len && name.len > 0) {
        const char *dot = memrchr(name.data, '.', name.len);
        w->word = dot == NULL ? name : tn_str_skip(name, (size_t)(dot - name.data) + 1);
    }
    w->scope = tn_str_first(name, name.len - w->word.len);
    if (w->word.len > 1 && w->word.data[0] == '_') {
        w->word = tn_str_skip(w->word, 1); /* as Keras 3 calls its attributes */
    }
}

/* Ranks words as Keras makes the weights of a layer. */
static int word_rank(tn_str word)
{
    static const char *const words[] = {"kernel", "recurrent_kernel", "bias",           "gamma",
                                        "beta",   "moving_mean",      "moving_variance"};
    int count = sizeof words / sizeof words[0];
    for (int i = 0; i < count; i++) {
        if (tn_str_equal(word, tn_str_of(words[i]))) {
            return i;
        }
    }
    return tn_str_equal(word, TN_LIT("weight")) ? 0 : count;
}

static int by_place(const void *a, const void *b)
{
    const weight *x = a, *y = b;
    if (x->layer != y->layer) {
        return x->layer < y->layer ? -1 : 1;
    }
    return (x->place > y->place) - (x->place < y->place);
}

static int by_name(const void *a, const void *b)
{
    const weight *x = a, *y = b;
    int order = tn_natural_compare(x->scope, y->scope);
    if (order == 0) {
        order = word_rank(x->word) - word_rank(y->word);
    }
    return order != 0 ? order : tn_natural_compare(x->word, y->word);
}

/* Lists the variables of a side in their order; `choose` has one element a tensor. */
static tn_status list(tni_arena *arena, const tn_model *model, const bool *choose, sequence *out,
                      tn_error *err)
{
    void *block;
    tn_status status = tni_arena_array(arena, model->count, sizeof(weight), &block, err);
    *out = (sequence){.at = block, .known = true};
    for (uint32_t i = 0; status == TN_OK && i < model->count; i++) {
        const tn_tensor *tensor = &model->tensors[i];
        if (choose[i] && tensor->role == TN_ROLE_VARIABLE) {
            weight *w = &out->at[out->count++];
            w->index = i;
            split(tensor->alias[TN_SCHEME_NAME], w);
            out->known = read_place(tensor->alias[TN_SCHEME_ORDER], w) && out->known;
        }
    }
    for (size_t i = 0; !out->known && i < out->count; i++) {
        out->at[i].layer = 0; /* a layer is what has one scope */
    }
    if (out->count > 1) {
        qsort(out->at, out->count, sizeof(weight), out->known ? by_place : by_name);
    }
    return status;
}

/* Returns where the layer that begins at `first` ends. */
static size_t layer_end(const sequence *s, size_t first)
{
    size_t end = first + 1;
    while (end < s->count && s->at[end].layer == s->at[first].layer &&
           tn_str_equal(s->at[end].scope, s->at[first].scope)) {
        end++;
    }
    return end;
}

/* Finds the one weight of a layer that is called by a word; `count` if there is none, or several.
 */
static size_t find_word(const weight *weights, size_t count, tn_str word)
{
    size_t found = count;
    for (size_t i = 0; i < count; i++) {
        if (tn_str_equal(weights[i].word, word)) {
            if (found < count) {
                return count;
            }
            found = i;
        }
    }
    return found;
}

/* Pairs the weights of two layers by their words, or by position; partner[i] for the targets. False
 * if the shapes are not the same. */
static bool match_layer(const tni_pairs *p, const weight *sources, const weight *targets,
                        size_t count, uint32_t *partner)
{
    bool words = count <= FEW, fits = true;
    for (size_t i = 0; words && i < count; i++) {
        size_t found = find_word(sources, count, targets[i].word);
        words = found < count && find_word(targets, count, targets[i].word) == i;
        partner[i] = words ? sources[found].index : TN_NO_INDEX;
    }
    for (size_t i = 0; fits && i < count; i++) {
        partner[i] = words ? partner[i] : sources[i].index;
        fits = tni_like_fits(&p->in->tensors[partner[i]], &p->like->tensors[targets[i].index]);
    }
    return fits;
}

/* Pairs all layers. False if the two sides have not the same. */
static bool match(const tni_pairs *p, const sequence *sources, const sequence *targets,
                  uint32_t *partner)
{
    if (sources->count != targets->count) {
        return false;
    }
    for (size_t first = 0, end; first < targets->count; first = end) {
        end = layer_end(targets, first);
        if (layer_end(sources, first) != end ||
            !match_layer(p, sources->at + first, targets->at + first, end - first,
                         partner + first)) {
            return false;
        }
    }
    return true;
}

/* Tells whether the order says nothing against the pairs that names made. */
static bool agrees(const tni_pairs *p, const sequence *targets, const uint32_t *partner)
{
    for (size_t i = 0; i < targets->count; i++) {
        const tni_like_pair *pair = &p->pair[targets->at[i].index];
        if (pair->by == NULL ? p->used[partner[i]] : pair->source != partner[i]) {
            return false;
        }
    }
    return true;
}

/* Marks the variables whose order counts: all, or those that no --fill would do for. */
static bool choose(const tni_pairs *p, bool without_fills, bool *chosen)
{
    bool any = false;
    for (size_t i = 0; i < p->like->count; i++) {
        bool left = without_fills && p->pair[i].by == NULL && p->pair[i].fill != 0;
        chosen[i] = p->wanted[i] && !left;
        any = any ||
              (chosen[i] && p->pair[i].by == NULL && p->like->tensors[i].role == TN_ROLE_VARIABLE);
    }
    return any;
}

/* Tries one choice of targets; *count_out gets how many were paired. */
static tn_status try(tni_pairs *p, const sequence *sources, const bool *chosen, size_t *count_out,
                     tn_error *err)
{
    sequence targets;
    void *block = NULL;
    tn_status status = list(p->arena, p->like, chosen, &targets, err);
    if (status == TN_OK) {
        status = tni_arena_array(p->arena, targets.count, sizeof(uint32_t), &block, err);
    }
    const uint32_t *partner = block;
    if (status == TN_OK && match(p, sources, &targets, block) && agrees(p, &targets, partner)) {
        for (size_t i = 0; i < targets.count; i++) {
            *count_out += tni_like_take(p, targets.at[i].index, partner[i], "order");
        }
    }
    return status;
}

tn_status tni_like_by_order(tni_pairs *p, size_t *count_out, tn_error *err)
{
    sequence sources = {.at = NULL};
    void *block = NULL;
    *count_out = 0;
    tn_status status = tni_arena_array(p->arena, p->like->count, sizeof(bool), &block, err);
    bool *chosen = block;
    if (status == TN_OK && choose(p, false, chosen)) {
        status = list(p->arena, p->in, p->may_serve, &sources, err);
    }
    for (int without = 0; status == TN_OK && *count_out == 0 && without < 2; without++) {
        if (choose(p, without == 1, chosen)) {
            status = try(p, &sources, chosen, count_out, err);
        }
    }
    return status;
}
