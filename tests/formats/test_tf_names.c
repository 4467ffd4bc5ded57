/* Names from object graphs that no framework writes: hostile ones, and the corners of the law. */
#include "formats/tf_checkpoint/names.h"
#include "tf_file.h"
#include <time.h>

/* A graph under construction. Nodes are added one after another. */
typedef struct builder {
    tni_buffer message, node, part;
    tni_tf_entry *entries;
    uint32_t count;
} builder;

static void field_bytes(tni_buffer *to, char tag, tn_str bytes)
{
    tni_buffer_char(to, tag);
    put_varint(to, bytes.len);
    tni_buffer_str(to, bytes);
}

static void field_number(tni_buffer *to, char tag, uint64_t number)
{
    tni_buffer_char(to, tag);
    put_varint(to, number);
}

static void end_part(builder *b, char tag)
{
    field_bytes(&b->node, tag, (tn_str){b->part.data, b->part.len});
    tni_buffer_reset(&b->part);
}

static void child(builder *b, uint64_t node, tn_str name)
{
    field_number(&b->part, 0x08, node);
    field_bytes(&b->part, 0x12, name);
    end_part(b, 0x0a);
}

static void slot(builder *b, uint64_t variable, const char *name, uint64_t node)
{
    field_number(&b->part, 0x08, variable);
    field_bytes(&b->part, 0x12, tn_str_of(name));
    field_number(&b->part, 0x18, node);
    end_part(b, 0x1a);
}

/* Gives the node a variable; `stored` also adds its entry (keys are not sorted here: names do not
 * need it). The key must outlive the test. */
static void variable(builder *b, const char *key, const char *full, bool stored)
{
    field_bytes(&b->part, 0x0a, TN_LIT("VARIABLE_VALUE"));
    field_bytes(&b->part, 0x12, tn_str_of(full));
    field_bytes(&b->part, 0x1a, tn_str_of(key));
    end_part(b, 0x12);
    if (stored) {
        b->entries[b->count++] = (tni_tf_entry){.key = tn_str_of(key), .dtype = TN_FLOAT32};
    }
}

static void end_node(builder *b)
{
    field_bytes(&b->message, 0x0a, (tn_str){b->node.data, b->node.len});
    tni_buffer_reset(&b->node);
}

typedef struct fixture {
    tn_context *ctx;
    tni_arena keep, scratch;
    builder b;
    tni_tf_name *names;
} fixture;

enum { MOST_ENTRIES = 100000 };

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof(*f));
    f->ctx = tn_context_new(NULL);
    tni_arena_init(&f->keep, f->ctx, 1u << 30);
    tni_arena_init(&f->scratch, f->ctx, 1u << 30);
    tni_buffer_init(&f->b.message, f->ctx);
    tni_buffer_init(&f->b.node, f->ctx);
    tni_buffer_init(&f->b.part, f->ctx);
    f->b.entries = calloc(MOST_ENTRIES, sizeof(tni_tf_entry));
    *state = f;
    return f->b.entries == NULL;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    tni_buffer_clear(&f->b.message);
    tni_buffer_clear(&f->b.node);
    tni_buffer_clear(&f->b.part);
    tni_arena_clear(&f->keep);
    tni_arena_clear(&f->scratch);
    free(f->b.entries);
    tn_context_free(f->ctx);
    free(f);
    return 0;
}

static tn_status make(fixture *f, tn_error *err)
{
    tni_tf_graph graph;
    memset(err, 0, sizeof(*err));
    tn_str message = {f->b.message.data, f->b.message.len};
    tn_status status = tni_tf_graph_parse(message, &f->keep, &graph, err);
    return status != TN_OK ? status
                           : tni_tf_names_make(&graph, f->b.entries, f->b.count, &f->keep,
                                               &f->scratch, &f->names, err);
}

static void name_is(const fixture *f, uint32_t entry, const char *name)
{
    tn_str found = f->names[entry].name;
    if (!tn_str_equal(found, tn_str_of(name))) {
        fail_msg("entry %u: %.*s, not %s", entry, (int)found.len, found.data, name);
    }
}

/* Of several shortest paths: the one in the own key, else the first; never over a list edge or into
 * an optimizer; escaped. */
static void the_law(void **state)
{
    fixture *f = *state;
    tn_error err = {0};
    child(&f->b, 1, TN_LIT("z"));
    child(&f->b, 2, TN_LIT("m"));
    child(&f->b, 3, TN_LIT("variables"));
    child(&f->b, 4, TN_LIT("opt"));
    end_node(&f->b);
    child(&f->b, 5, TN_LIT("w"));
    child(&f->b, 6, TN_LIT("a.b/c"));
    child(&f->b, 1, TN_LIT("self"));
    end_node(&f->b);
    child(&f->b, 5, TN_LIT("v"));
    child(&f->b, 0, TN_LIT("up"));
    end_node(&f->b);
    child(&f->b, 5, TN_LIT("0"));
    child(&f->b, 7, TN_LIT("1"));
    end_node(&f->b);
    child(&f->b, 8, TN_LIT("iter"));
    child(&f->b, 9, TN_LIT("rate"));
    slot(&f->b, 5, "m", 10);
    end_node(&f->b);
    variable(&f->b, "z/w/.ATTRIBUTES/VARIABLE_VALUE", "full/w", true);
    end_node(&f->b);
    variable(&f->b, "variables/9/.ATTRIBUTES/VARIABLE_VALUE", "", true);
    end_node(&f->b);
    variable(&f->b, "variables/1/.ATTRIBUTES/VARIABLE_VALUE", "only", true);
    end_node(&f->b);
    variable(&f->b, "opt/iter/.ATTRIBUTES/VARIABLE_VALUE", "", true);
    end_node(&f->b);
    variable(&f->b, "opt/rate/.ATTRIBUTES/VARIABLE_VALUE", "", false); /* not initialised */
    end_node(&f->b);
    variable(&f->b, "z/w/.OPTIMIZER_SLOT/opt/m/.ATTRIBUTES/VARIABLE_VALUE", "full/w/m", true);
    end_node(&f->b);
    f->b.entries[f->b.count++] = (tni_tf_entry){.key = TN_LIT("x/.ATTRIBUTES/py_state")};
    f->b.entries[f->b.count++] = (tni_tf_entry){.key = TN_LIT("stray")};
    assert_int_equal(make(f, &err), TN_OK);
    name_is(f, 0, "z/w"); /* m/v comes first, but z/w is the key */
    name_is(f, 1, "z/a..b.Sc");
    name_is(f, 2, "only");
    name_is(f, 3, "opt/iter");
    assert_int_equal(f->names[3].role, TN_ROLE_COUNTER);
    name_is(f, 4, "full/w/m");
    assert_int_equal(f->names[4].role, TN_ROLE_SLOT);
    assert_int_equal(f->names[4].slot_of, 0);
    name_is(f, 5, "x/.ATTRIBUTES/py_state");
    assert_int_equal(f->names[5].role, TN_ROLE_METADATA);
    assert_int_equal(f->names[6].role, TN_ROLE_VARIABLE); /* never hide what may be a weight */
}

/* A full name that another tensor has as name or full name is given up, and that may cost a third
 * one its own. */
static void full_names_that_clash(void **state)
{
    fixture *f = *state;
    tn_error err = {0};
    child(&f->b, 1, TN_LIT("path"));
    child(&f->b, 2, TN_LIT("variables"));
    end_node(&f->b);
    variable(&f->b, "path/.ATTRIBUTES/VARIABLE_VALUE", "shared", true);
    end_node(&f->b);
    for (uint64_t i = 0; i < 5; i++) {
        char index[2] = {(char)('0' + i), '\0'};
        child(&f->b, 3 + i, tn_str_of(index));
    }
    end_node(&f->b);
    static const char *const keys[] = {
        "variables/0/.ATTRIBUTES/VARIABLE_VALUE", "variables/1/.ATTRIBUTES/VARIABLE_VALUE",
        "variables/2/.ATTRIBUTES/VARIABLE_VALUE", "variables/3/.ATTRIBUTES/VARIABLE_VALUE",
        "variables/4/.ATTRIBUTES/VARIABLE_VALUE"};
    static const char *const fulls[] = {"shared",      /* the full name of `path` */
                                        "path",        /* the name of `path` */
                                        "variables/0", /* the key that entry 1 falls back to */
                                        "variables/2", /* the key that entry 3 then falls back to */
                                        "free"};
    for (size_t i = 0; i < 5; i++) {
        variable(&f->b, keys[i], fulls[i], true);
        end_node(&f->b);
    }
    assert_int_equal(make(f, &err), TN_OK);
    name_is(f, 0, "path");
    name_is(f, 1, "variables/0");
    name_is(f, 2, "variables/1");
    name_is(f, 3, "variables/2");
    name_is(f, 4, "variables/3");
    name_is(f, 5, "free");
}

/* A chain of objects as deep as names may be long, and one deeper: no recursion, no long search. */
static void deep_chain(void **state)
{
    fixture *f = *state;
    tn_error err = {0};
    f->ctx->limits.name_bytes = 65535;
    for (uint64_t i = 0; i < 100000; i++) {
        child(&f->b, i + 1, TN_LIT("x"));
        end_node(&f->b);
        if (i == 32767) {
            variable(&f->b, "k", "", true);
        }
    }
    end_node(&f->b);
    assert_int_equal(make(f, &err), TN_OK);
    assert_int_equal(f->names[0].name.len, 65535);
    f->ctx->limits.name_bytes = 65534;
    assert_int_equal(make(f, &err), TN_LIMIT);
}

/* One object with a hundred thousand variables, each behind two edges: time stays near linear. */
static void wide_node(void **state)
{
    fixture *f = *state;
    tn_error err = {0};
    enum { COUNT = 100000, TEXT = 48 };
    char *texts = malloc(COUNT * TEXT);
    child(&f->b, 1, TN_LIT("list"));
    child(&f->b, 2, TN_LIT("a"));
    end_node(&f->b);
    for (int edge = 0; edge < 2; edge++) {
        for (uint64_t i = 0; i < COUNT; i++) {
            char index[24];
            snprintf(index, sizeof(index), "%u", (unsigned)i);
            child(&f->b, 3 + i, tn_str_of(index));
        }
        end_node(&f->b);
    }
    for (uint64_t i = 0; i < COUNT; i++) {
        snprintf(texts + i * TEXT, TEXT, "list/%u/.ATTRIBUTES/VARIABLE_VALUE", (unsigned)i);
        variable(&f->b, texts + i * TEXT, "same", true);
        end_node(&f->b);
    }
    clock_t start = clock();
    assert_int_equal(make(f, &err), TN_OK);
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    name_is(f, 0, "list/0");
    name_is(f, COUNT - 1, "list/99999");
    assert_true(seconds < 20); /* under sanitizers; quadratic time would take hours */
    free(texts);
}

static void damaged_graphs(void **state)
{
#define DAMAGED "the object graph is damaged"
    static const struct {
        const char *message, *error;
    } bad[] = {
        {"", "the object graph has no root"},
        {"0a04 0a02 0801", DAMAGED ": object #0 has a child #1, and there are 1 objects"},
        {"0a0d 0a0b 08ffffffffffffffffff01",
         DAMAGED ": object #0 has a child #-1, and there are 1 objects"},
        {"0a04 1a02 0801",
         DAMAGED ": object #0 has a slot of variable #1, and there are 1 objects"},
        {"0a00 0a04 1a02 1807", DAMAGED ": object #1 has a slot #7, and there are 2 objects"},
        {"0a05 0a02 0800", DAMAGED}, /* cut short */
        {"0a02 0a05", DAMAGED},      /* cut short inside */
        {"08", DAMAGED},
    };
    fixture *f = *state;
    tn_error err = {0};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        tni_buffer_reset(&f->b.message);
        put_hex(&f->b.message, bad[i].message);
        if (make(f, &err) != TN_CORRUPT) {
            fail_msg("not refused: %s", bad[i].message);
        }
        assert_string_equal(err.message, bad[i].error);
    }
#undef DAMAGED
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_law, set_up, tear_down),
        cmocka_unit_test_setup_teardown(full_names_that_clash, set_up, tear_down),
        cmocka_unit_test_setup_teardown(deep_chain, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wide_node, set_up, tear_down),
        cmocka_unit_test_setup_teardown(damaged_graphs, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
