/* Random rules with operations over random models: those that change values are refused, by the
 * name of the rule; of all others tn_rules_invert writes an inverse that leads back, by name,
 * shape, dtype, and element by element, which is found out by walking loop nests. */
#include "converters/conv_rules.h"
#include "model/roles.h"
#include <tenon/rules.h>

enum { LAYERS = 4, FAMILIES = 3, LEAF = 1 << 20, ROUNDS = 4000 };

typedef struct shape {
    uint32_t rank;
    int64_t at[4];
} shape;

static void *room(tni_arena *arena, size_t bytes)
{
    void *block = NULL;
    assert_int_equal(tni_arena_alloc(arena, bytes, &block, NULL), TN_OK);
    return block;
}

/* A rule file in the making, and the model that it is for. */
typedef struct trial {
    uint64_t random;
    char rules[4096];
    size_t used;
    bool lossy; /* it changes values, or makes nothing of a tensor */
    bool empty; /* a tensor has no elements: one reshape cannot lead several such back */
    tn_model *model;
} trial;

static uint64_t choose(trial *t, uint64_t below)
{
    return conv_random(&t->random, below);
}

static void say(trial *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(trial *t, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    t->used += (size_t)vsnprintf(t->rules + t->used, sizeof t->rules - t->used, format, arguments);
    va_end(arguments);
    assert_true(t->used < sizeof t->rules);
}

/* Adds a tensor. */
static void add_tensor(trial *t, const char *name, const shape *form, tn_dtype dtype)
{
    char text[40] = "";
    for (uint32_t k = 0, used = 0; k < form->rank; k++) {
        used += (uint32_t)snprintf(text + used, sizeof text - used, "%s%lld", k == 0 ? "" : ",",
                                   (long long)form->at[k]);
    }
    rules_tensor spec = {name, text, dtype};
    rules_add(t->model, &spec);
}

/* Makes the tensor with number n one leaf, or two halves that are leaves of their own. Its element
 * e is n * LEAF + e. */
static void add_pieces(trial *t, uint64_t n)
{
    tn_tensor *tensor = &t->model->tensors[n];
    uint32_t parts = choose(t, 3) == 0 && tensor->elements > 1 ? 2 : 1;
    tni_piece *pieces = room(&t->model->arena, parts * sizeof *pieces);
    for (uint32_t i = 0; i < parts; i++) {
        tni_whole_piece *whole = room(&t->model->arena, sizeof *whole);
        int64_t half = tensor->elements / 2, first = i == 0 ? 0 : half;
        int64_t end = parts == 2 && i == 0 ? half : tensor->elements;
        tni_whole_piece_init(whole, tensor->dtype, end - first, t->model->ctx);
        whole->leaf.kind = TNI_LEAF_ABSENT;
        whole->leaf.offset = n * LEAF + (uint64_t)first;
        pieces[i] = whole->piece;
        pieces[i].map.to = first;
    }
    tensor->pieces = pieces;
    tensor->n_pieces = parts;
}

/* Operations that take tensors one by one; the shape becomes what they make. */
static void say_each(trial *t, shape *s)
{
    static const char letters[] = "abcd";
    uint64_t count = choose(t, 3);
    for (uint64_t n = 0; n < count && s->rank > 0; n++) {
        uint64_t kind = choose(t, 7);
        if (kind < 3) {
            shape old = *s;
            char right[5] = "";
            uint32_t turn = (uint32_t)choose(t, s->rank);
            for (uint32_t k = 0; k < s->rank; k++) {
                uint32_t from = (k + turn) % s->rank;
                right[k] = letters[from];
                s->at[k] = old.at[from];
            }
            say(t, "{transpose: '%.*s->%s'}, ", (int)s->rank, letters, right);
        } else if (kind < 5) {
            const char *rest = s->rank == 1 ? "" : s->rank == 2 ? " b" : " b c";
            int64_t size = s->at[0] % 2 == 0 ? 2 : s->at[0] % 3 == 0 ? 3 : 1;
            say(t, "{rearrange: '(x y)%s -> (y x)%s', with: {%s: %lld}}, ", rest, rest,
                choose(t, 2) == 0 ? "x" : "y", (long long)size);
        } else if (kind == 5 && s->at[s->rank - 1] > 0) {
            int64_t last = s->at[s->rank - 1], all = 1;
            for (uint32_t k = 0; k < s->rank; k++) {
                all *= s->at[k];
            }
            *s = choose(t, 2) == 0 ? (shape){1, {all}} : (shape){2, {all / last, last}};
            say(t, s->rank == 1 ? "{reshape: [-1]}, " : "{reshape: [-1, %lld]}, ", (long long)last);
        } else if (s->at[0] > 1) {
            say(t, "{partition: {axis: 0, sizes: [1, %lld]}}, ", (long long)s->at[0] - 1);
        }
    }
}

/* A cast or a sum, or none. */
static void say_values(trial *t, tn_dtype dtype)
{
    uint64_t kind = choose(t, 12);
    if (kind < 4 && dtype == TN_FLOAT16) {
        say(t, "{cast: f%d}, ", kind < 2 ? 32 : 64);
    } else if (kind == 4) {
        say(t, "{cast: %s}, ", dtype == TN_FLOAT16 ? "bf16" : "f16");
        t->lossy = true;
    } else if (kind == 5) {
        say(t, "{add: {value: 1}}, ");
        t->lossy = true;
    }
}

static void say_split(trial *t, const shape *s)
{
    int64_t axis = (int64_t)choose(t, s->rank), size = s->at[axis];
    uint64_t kind = choose(t, 3);
    if (kind == 0 && size % 2 == 0) {
        say(t, "{split: {axis: %lld}}, ", (long long)axis);
    } else if (kind == 1 && size % 4 == 0) {
        say(t, "{split: {axis: %lld, groups: 2, sizes: [1, %lld]}}, ", (long long)axis,
            (long long)size / 2 - 1);
    } else {
        say(t, "{split: {axis: %lld, sizes: [1, %lld]}}, ", (long long)axis - s->rank,
            (long long)size - 1);
    }
}

/* The rule of one family of tensors, FAMILY/l0/w, FAMILY/l0/b, FAMILY/l1/w … */
static void say_rule(trial *t, char family, shape s, tn_dtype dtype)
{
    static const char *const numbers[] = {"{i}", "{i+1}", "{i:int02}", "{2*i}", "{7-i}"};
    const char *number = numbers[choose(t, 5)];
    uint64_t kind = choose(t, 7);
    if (kind == 0) {
        say(t, "- {match: '%c/l{i:int}/{p}', to: '%c.%s.{p}', do: [", family, family, number);
    } else if (kind == 1) {
        say(t, "- {match: '%c/l{i:int}/w', to: ['%c.%s.q', '%c.%s.k'], do: [", family, family,
            number, family, number);
    } else if (kind == 2) {
        say(t, "- {match: ['%c/l{i:int}/w', '%c/l{i:int}/b'], to: '%c.%s', do: [", family, family,
            family, number);
    } else if (kind == 3) {
        say(t, "- {match: '%c/l{i:int}/{p}', to: '%c.{p}', do: [", family, family);
    } else if (kind == 4) {
        say(t, "- {match: '%c/l{i:int}/w', to: '%c.%s.{e%s}', do: [", family, family, number,
            choose(t, 2) == 0 ? "" : "+3");
    } else if (kind == 5) {
        say(t, "- {match: ['%c/l{i:int}/w', '%c/l{i:int}/b'], to: ['%c.%s.q', '%c.%s.k'], do: [",
            family, family, family, number, family, number);
    } else {
        say(t, "- {match: ['%c/l{i:int}/w', '%c/l{i:int}/b'], do: [", family, family);
    }
    say_each(t, &s);
    if (kind == 2 || kind == 5) {
        say(t, "{concat: {axis: 0%s}}, ",
            s.at[0] % 2 == 0 && choose(t, 2) == 0 ? ", groups: 2" : "");
        s.at[0] *= 2;
    } else if (kind == 3) {
        say(t, "{stack: {over: i, axis: %lld}}, ", (long long)choose(t, s.rank + 1));
        s.rank = 0;
    }
    say_values(t, dtype);
    if (choose(t, 2) == 0 && kind != 3) {
        say_each(t, &s);
    }
    if (kind == 1 || kind == 5) {
        say_split(t, &s);
    } else if (kind == 4) {
        uint64_t axis = choose(t, s.rank);
        t->lossy = t->lossy || s.at[axis] == 0; /* nothing comes of it */
        say(t, "{unstack: {over: e, axis: %d}}, ", (int)axis);
    }
    say(t, "{unpartition: {}}]}\n");
}

/* A model of some families, in which layers may have other shapes, and variables slots. */
static void make_trial(trial *t, conv *c)
{
    static const int64_t sizes[] = {2, 3, 4, 6, 8, 0};
    tn_error err = {0};
    uint64_t families = 1 + choose(t, FAMILIES);
    t->used = 0;
    t->lossy = t->empty = false;
    conv_ok(tni_model_new(c->ctx, &t->model, &err), &err);
    t->model->path = "in";
    say(t, "tenon: 1\nrules:\n");
    for (uint64_t f = 0; f < families; f++) {
        char family = (char)('a' + f), name[40];
        uint64_t layers = 1 + choose(t, LAYERS), first = choose(t, 4) == 0 ? 3 : 0;
        bool slots = choose(t, 4) == 0, unlike = choose(t, 3) == 0;
        tn_dtype dtype = choose(t, 2) == 0 ? TN_FLOAT16 : TN_FLOAT32;
        shape s = {1 + (uint32_t)choose(t, 3), {0}};
        for (uint32_t k = 0; k < s.rank; k++) {
            s.at[k] = sizes[choose(t, choose(t, 8) == 0 ? 6 : 5)];
            t->empty = t->empty || s.at[k] == 0;
        }
        for (uint64_t i = first; i < first + layers; i++) {
            shape w = s, b = s;
            w.at[0] = unlike && choose(t, 2) == 0 ? 2 * s.at[0] : s.at[0];
            b.at[0] = unlike && choose(t, 2) == 0 ? 2 * s.at[0] : w.at[0];
            for (int p = 0; p < 2; p++) {
                snprintf(name, sizeof name, "%c/l%d/%c", family, (int)i, p == 0 ? 'w' : 'b');
                add_tensor(t, name, p == 0 ? &w : &b, dtype);
                strcat(name, "/Adam");
                if (slots) {
                    add_tensor(t, name, p == 0 ? &w : &b, dtype);
                }
            }
        }
        say_rule(t, family, s, dtype);
    }
    say(t, "- {match: '**', do: keep, otherwise: true, optional: true}\n");
    conv_ok(tni_roles_by_name(t->model, &err), &err);
    conv_ok(tni_model_finish(t->model, &err), &err);
    for (uint64_t n = 0; n < t->model->count; n++) {
        add_pieces(t, n);
    }
}

/* Takes the casts of a result for done, as they are in a file that was written. */
static void write_down(const tn_model *model)
{
    tni_arena *arena = &((tn_model *)(uintptr_t)model)->arena;
    for (size_t i = 0; i < model->count; i++) {
        tni_piece *pieces = room(arena, model->tensors[i].n_pieces * sizeof *pieces);
        for (uint32_t k = 0; k < model->tensors[i].n_pieces; k++) {
            tni_leaf *leaf = room(arena, sizeof *leaf);
            *leaf = *model->tensors[i].pieces[k].leaf;
            leaf->cast = NULL;
            pieces[k] = model->tensors[i].pieces[k];
            pieces[k].leaf = leaf;
        }
        model->tensors[i].pieces = pieces;
    }
}

/* Walks all elements of a tensor: each must be the one that it was in the tensor with number n. */
static size_t misplaced(const tn_tensor *tensor, uint32_t n)
{
    size_t wrong = 0;
    int64_t walked = 0;
    for (uint32_t i = 0; i < tensor->n_pieces; i++) {
        const tni_map *map = &tensor->pieces[i].map;
        int64_t count = tni_map_elements(map);
        for (int64_t e = 0; e < count; e++) {
            int64_t rest = e, to = map->to, from = map->from;
            for (uint32_t k = map->rank; k-- > 0;) {
                to += rest % map->dim[k].size * map->dim[k].to;
                from += rest % map->dim[k].size * map->dim[k].from;
                rest /= map->dim[k].size;
            }
            wrong += (int64_t)tensor->pieces[i].leaf->offset + from != (int64_t)n * LEAF + to;
        }
        walked += count;
    }
    return wrong + (walked != tensor->elements);
}

/* Applies an inverse to a result, and compares all that comes back with what was there. */
static void check_identity(conv *c, const trial *t, const char *inverse, const tn_model *middle)
{
    rules_run back;
    tn_error err = {0};
    if (rules_start(c, middle, inverse, &back, &err) != TN_OK) {
        fail_msg("%s\n%s\n%s: %s", t->rules, inverse, err.subject, err.message);
    }
    const tn_model *is = back.naming.model;
    assert_int_equal(is->count, t->model->count);
    for (size_t i = 0; i < is->count; i++) {
        const tn_tensor *tensor = &is->tensors[i];
        tn_str name = tensor->alias[TN_SCHEME_NAME];
        uint32_t n = tni_model_index(t->model, TN_SCHEME_NAME, name);
        bool same = n < t->model->count && tensor->dtype == t->model->tensors[n].dtype &&
                    tensor->rank == t->model->tensors[n].rank;
        for (uint32_t k = 0; same && k < tensor->rank; k++) {
            same = tensor->shape[k] == t->model->tensors[n].shape[k];
        }
        if (!same || misplaced(tensor, n) > 0) {
            fail_msg("%s\n%s\n%.*s is not what it was", t->rules, inverse, (int)name.len,
                     name.data);
        }
    }
    rules_end(&back);
}

static void whatever_is_written_leads_back(void **state)
{
    conv *c = *state;
    trial t = {.random = 20261124};
    size_t applied = 0, inverted = 0, refused = 0;
    for (int i = 0; i < ROUNDS; i++) {
        rules_run forward;
        tn_error err = {0};
        make_trial(&t, c);
        if (rules_start(c, t.model, t.rules, &forward, &err) == TN_OK) {
            char *text = NULL;
            size_t len;
            tn_report *report = NULL;
            tn_rules_options options = {0};
            const char *path = conv_at(c, "r.yaml");
            FILE *stream = open_memstream(&text, &len);
            assert_non_null(stream);
            applied++;
            tn_status status =
                tn_rules_invert(c->ctx, path, t.model, &options, stream, &report, &err);
            fclose(stream);
            if (status == TN_OK && !t.lossy) {
                inverted++;
                write_down(forward.naming.model);
                check_identity(c, &t, text, forward.naming.model);
            } else if (status == TN_OK || err.code != TN_E_NO_INVERSE ||
                       strstr(err.message, "rule ") == NULL ||
                       (!t.lossy && !(t.empty && strstr(err.message, "unlike shapes") != NULL))) {
                fail_msg("%s\n%s: %s", t.rules, err.subject, err.message);
            } else {
                refused++;
            }
            tn_report_free(report);
            free(text);
        }
        rules_end(&forward);
        tn_model_free(t.model);
    }
    print_message("%zu applied: %zu inverted, %zu refused\n", applied, inverted, refused);
    assert_true(inverted > applied / 2);
    assert_true(refused > 100);
}

int main(void)
{
    conv_in_memory();
    const struct CMUnitTest tests[] = {CONV_TEST(whatever_is_written_leads_back)};
    return cmocka_run_group_tests_name("converters/rules/back, random", tests, NULL, NULL);
}
