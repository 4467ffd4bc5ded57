/* Which tensors belong together, and strings: models built by hand. */
#include "converters/conv.h"
#include "converters/pairing.h"

/* One tensor: its names in the schemes (NULL: none), and perhaps strings. */
typedef struct made {
    const char *name, *key, *object, *full;
    tn_role role;
    const tn_str *strings;
    size_t n_strings;
} made;

static tn_status give_strings(const tni_leaf *leaf, uint64_t first, uint64_t count, void *out,
                              tni_arena *arena, tn_error *err)
{
    const tn_str *all = leaf->decoder_state;
    (void)arena;
    (void)err;
    memcpy(out, all + first, (size_t)count * sizeof(*all));
    return TN_OK;
}

static const tni_decoder strings = {.decode = give_strings};

static void add(tn_model *model, const made *m)
{
    tn_tensor *tensor;
    tni_leaf *leaf;
    int64_t size = m->strings != NULL ? (int64_t)m->n_strings : 1;
    assert_int_equal(tni_model_add(model, &tensor, NULL), TN_OK);
    tensor->alias[TN_SCHEME_NAME] = tn_str_of(m->name);
    tensor->alias[TN_SCHEME_KEY] = tn_str_of(m->key);
    tensor->alias[TN_SCHEME_OBJECT] = tn_str_of(m->object);
    tensor->alias[TN_SCHEME_FULL] = tn_str_of(m->full);
    tensor->role = m->role;
    tn_dtype dtype = m->strings != NULL ? TN_STRING : TN_FLOAT32;
    assert_int_equal(tni_tensor_form(model, tensor, dtype, 1, &size, NULL), TN_OK);
    assert_int_equal(tni_tensor_leaf(model, tensor, &leaf, NULL), TN_OK);
    leaf->kind = m->strings != NULL ? TNI_LEAF_DECODER : TNI_LEAF_ABSENT;
    leaf->encoding = TNI_ENCODING_STRINGS;
    leaf->decoder = &strings;
    leaf->decoder_state = m->strings;
    leaf->ctx = model->ctx;
}

static tn_model *make(tn_context *ctx, const made *tensors, size_t count)
{
    tn_model *model;
    assert_int_equal(tni_model_new(ctx, &model, NULL), TN_OK);
    model->path = "made";
    model->in_file_order = true;
    for (size_t i = 0; i < count; i++) {
        add(model, &tensors[i]);
    }
    assert_int_equal(tni_model_finish(model, NULL), TN_OK);
    return model;
}

enum { SIDE = 3 };

typedef struct pair_row {
    made a[SIDE], b[SIDE];
    tn_scheme scheme;
    uint32_t b_of_a[SIDE];
    size_t variables;
} pair_row;

#define NONE TN_NO_INDEX

#define WEIGHT(n, k, o, f)                                  \
    {                                                       \
        .name = (n), .key = (k), .object = (o), .full = (f) \
    }
#define STATE(n, k, o, f)                                                          \
    {                                                                              \
        .name = (n), .key = (k), .object = (o), .full = (f), .role = TN_ROLE_STATE \
    }

static const pair_row rows[] = {
    /* Full names pair three, names one. */
    {{WEIGHT("x", "k1", NULL, "f1"), WEIGHT("y", "k2", NULL, "f2"), WEIGHT("z", "k3", NULL, "f3")},
     {WEIGHT("x", "q1", NULL, "f2"), WEIGHT("v", "q2", NULL, "f1"), WEIGHT("w", "q3", NULL, "f3")},
     TN_SCHEME_FULL,
     {1, 0, 2},
     3},
    /* On a tie it is the name. */
    {{WEIGHT("x", "k1", NULL, "f1"), WEIGHT("y", "k2", NULL, NULL), WEIGHT("z", "k3", NULL, NULL)},
     {WEIGHT("x", "q1", NULL, NULL), WEIGHT("v", "q2", NULL, "f1"), WEIGHT("w", "q3", NULL, NULL)},
     TN_SCHEME_NAME,
     {0, NONE, NONE},
     1},
    /* Objects, and a tensor that is none goes by its name. */
    {{WEIGHT("x", "k1", "o/1", NULL), WEIGHT("y", "k2", "o/2", NULL),
      WEIGHT("step", "k3", NULL, NULL)},
     {WEIGHT("step", "q1", NULL, NULL), WEIGHT("v", "q2", "o/2", NULL),
      WEIGHT("w", "q3", "o/1", NULL)},
     TN_SCHEME_OBJECT,
     {2, 1, 0},
     3},
    /* Only variables vote. */
    {{WEIGHT("x", "k1", NULL, "f1"), STATE("y", "k2", NULL, "f2"), WEIGHT("z", "k3", NULL, NULL)},
     {WEIGHT("x", "q1", NULL, NULL), STATE("v", "q2", NULL, "f2"), WEIGHT("w", "q3", NULL, NULL)},
     TN_SCHEME_NAME,
     {0, NONE, NONE},
     1},
    /* A name that two have pairs nobody. */
    {{WEIGHT("x", "k1", NULL, "f1"), WEIGHT("y", "k2", NULL, "f1"), WEIGHT("z", "k3", NULL, "f3")},
     {WEIGHT("p", "q1", NULL, "f1"), WEIGHT("q", "q2", NULL, "f1"), WEIGHT("r", "q3", NULL, "f3")},
     TN_SCHEME_FULL,
     {NONE, NONE, 2},
     1},
};

static void pairs(void **state)
{
    conv *c = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        tn_model *a = make(c->ctx, rows[i].a, SIDE), *b = make(c->ctx, rows[i].b, SIDE);
        tni_pairing pairing;
        tni_arena arena;
        tni_arena_init(&arena, c->ctx, 1 << 20);
        assert_int_equal(tni_pair(a, b, NULL, &arena, &pairing, NULL), TN_OK);
        assert_int_equal(pairing.scheme, rows[i].scheme);
        assert_int_equal(pairing.variables, rows[i].variables);
        for (uint32_t k = 0; k < SIDE; k++) {
            assert_int_equal(pairing.b_of_a[k], rows[i].b_of_a[k]);
            uint32_t back = pairing.a_of_b[k];
            assert_true(back == NONE || pairing.b_of_a[back] == k);
        }
        tni_arena_clear(&arena);
        tn_model_free(a);
        tn_model_free(b);
    }
}

static void pairs_by_what_is_asked(void **state)
{
    conv *c = *state;
    tn_model *a = make(c->ctx, rows[0].a, SIDE), *b = make(c->ctx, rows[0].b, SIDE);
    tn_scheme name = TN_SCHEME_NAME;
    tni_pairing pairing;
    tni_arena arena;
    tni_arena_init(&arena, c->ctx, 1 << 20);
    assert_int_equal(tni_pair(a, b, &name, &arena, &pairing, NULL), TN_OK);
    assert_int_equal(pairing.scheme, TN_SCHEME_NAME);
    assert_int_equal(pairing.b_of_a[0], 0);
    assert_int_equal(pairing.b_of_a[1], NONE);
    tni_arena_clear(&arena);
    tn_model_free(a);
    tn_model_free(b);
}

/* Of a file that has no full names the names are those of the other's variables, from either side;
 * a tensor that is called by no full name goes by its name. */
static void pairs_names_with_full_names(void **state)
{
    static const made named[] = {WEIGHT("f1", "k1", NULL, NULL), WEIGHT("x", "k2", NULL, NULL),
                                 WEIGHT("z", "k3", NULL, NULL)};
    static const made full[] = {WEIGHT("x", "q1", NULL, "f1"), WEIGHT("z", "q2", NULL, "x"),
                                WEIGHT("w", "q3", NULL, NULL)};
    conv *c = *state;
    tn_model *a = make(c->ctx, named, SIDE), *b = make(c->ctx, full, SIDE);
    tn_scheme scheme = TN_SCHEME_FULL;
    tni_pairing pairing;
    tni_arena arena;
    tni_arena_init(&arena, c->ctx, 1 << 20);
    assert_int_equal(tni_pair(a, b, &scheme, &arena, &pairing, NULL), TN_OK);
    assert_int_equal(pairing.b_of_a[0], 0);
    assert_int_equal(pairing.b_of_a[1], 1);
    assert_int_equal(pairing.b_of_a[2], NONE);
    assert_int_equal(tni_pair(b, a, &scheme, &arena, &pairing, NULL), TN_OK);
    assert_int_equal(pairing.b_of_a[0], 0);
    assert_int_equal(pairing.b_of_a[1], 1);
    assert_int_equal(pairing.b_of_a[2], NONE);
    tni_arena_clear(&arena);
    tn_model_free(a);
    tn_model_free(b);
}

static void compares_strings(void **state)
{
    static const tn_str x[] = {{"", 0}, {"a\0b", 3}, {"abc", 3}, {"abc", 3}};
    static const tn_str y[] = {{"", 0}, {"a\0c", 3}, {"abcd", 4}, {"abc", 3}};
    static const made left = {"s", "s", NULL, NULL, TN_ROLE_VARIABLE, x, 4};
    static const made right = {"s", "s", NULL, NULL, TN_ROLE_VARIABLE, y, 4};
    static const tn_diff_options none;
    conv *c = *state;
    tn_model *a = make(c->ctx, &left, 1), *b = make(c->ctx, &right, 1);
    tn_report *report = tn_report_new(c->ctx);
    tn_differences d;
    tn_error err = {0};
    conv_ok(tn_diff(a, b, &none, report, &d, &err), &err);
    assert_int_equal(d.different, 1);
    const tn_finding *finding = tn_report_at(report, 0);
    assert_string_equal(finding->code, "values");
    assert_int_equal(finding->values.differ, 2);
    assert_true(tn_str_equal(finding->message, TN_LIT("2 of 4 values differ")));
    conv_ok(tn_diff(a, a, &none, report, &d, &err), &err);
    assert_int_equal(d.equal, 1);
    tn_report_free(report);
    tn_model_free(a);
    tn_model_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {CONV_TEST(pairs), CONV_TEST(pairs_by_what_is_asked),
                                       CONV_TEST(pairs_names_with_full_names),
                                       CONV_TEST(compares_strings)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
