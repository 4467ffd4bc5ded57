/* Models made of some tensors of another, under other names. */
#include "converters/conv.h"
#include "converters/mapped.h"

static const char *const adam = TN_FIXTURES "/tf_checkpoint/good-v1-adam/model.ckpt";

enum { COUNT = 9 };

static void all_names(const tn_model *model, tn_str *names)
{
    assert_int_equal(tn_model_count(model), COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        names[i] = tn_model_at(model, i)->alias[TN_SCHEME_NAME];
    }
}

static uint32_t find(const tn_model *model, const char *name)
{
    return tn_model_find(model, TN_SCHEME_NAME, tn_str_of(name));
}

static void keeps_owners(void **state)
{
    conv *c = *state;
    tn_model *model = conv_open(c->ctx, adam), *mapped;
    tn_str names[COUNT];
    bool keep[COUNT];
    tn_error err = {0};
    all_names(model, names);
    for (size_t i = 0; i < COUNT; i++) {
        keep[i] = tn_str_starts(names[i], TN_LIT("my_model/")) &&
                  !tn_str_equal(names[i], TN_LIT("my_model/b"));
    }
    names[find(model, "my_model/W")] = TN_LIT("zzz");
    conv_ok(tni_map_named(model, keep, names, NULL, 0, &mapped, &err), &err);
    assert_int_equal(tn_model_count(mapped), 5);
    assert_int_equal(find(mapped, "my_model/W"), TN_NO_INDEX);
    const tn_tensor *w = tn_model_at(mapped, find(mapped, "zzz"));
    const tn_tensor *slot = tn_model_at(mapped, find(mapped, "my_model/W/Adam"));
    const tn_tensor *orphan = tn_model_at(mapped, find(mapped, "my_model/b/Adam_1"));
    assert_true(slot->slot_of != TN_NO_INDEX && tn_model_at(mapped, slot->slot_of) == w);
    assert_int_equal(orphan->slot_of, TN_NO_INDEX);
    assert_int_equal(orphan->role, TN_ROLE_SLOT);
    /* What a tensor is made of, its key and its origin stay. */
    const tn_tensor *old = tn_model_at(model, find(model, "my_model/W"));
    assert_ptr_equal(w->pieces, old->pieces);
    assert_true(tn_str_equal(w->alias[TN_SCHEME_KEY], TN_LIT("my_model/W")));
    assert_ptr_equal(w->origin, model);
    assert_int_equal(w->origin_index, find(model, "my_model/W"));
    assert_ptr_equal(tni_model_root(mapped), model);
    /* Once more above that: the origin is still the opened model. */
    bool some[5] = {false};
    tn_str again[5];
    tn_model *above;
    for (uint32_t i = 0; i < 5; i++) {
        again[i] = TN_LIT("only");
        some[i] = i == find(mapped, "zzz");
    }
    conv_ok(tni_map_named(mapped, some, again, NULL, 0, &above, &err), &err);
    assert_int_equal(tn_model_count(above), 1);
    assert_ptr_equal(tn_model_at(above, 0)->origin, model);
    assert_ptr_equal(tni_model_root(above), model);
    tn_model_free(above);
    tn_model_free(mapped);
    tn_model_free(model);
}

static void refuses_equal_names(void **state)
{
    conv *c = *state;
    tn_model *model = conv_open(c->ctx, adam), *mapped = NULL;
    tn_str names[COUNT];
    bool keep[COUNT] = {false};
    tn_error err = {0};
    all_names(model, names);
    keep[find(model, "my_model/W")] = keep[find(model, "my_model/b")] = true;
    names[find(model, "my_model/b")] = TN_LIT("my_model/W");
    assert_int_equal(tni_map_named(model, keep, names, NULL, 0, &mapped, &err), TN_NO);
    assert_int_equal(err.code, TN_E_COLLISION);
    assert_string_equal(err.subject, "my_model/W");
    assert_string_equal(err.message, "'my_model/W' and 'my_model/b' would both have this name");
    assert_null(mapped);
    /* A tensor that is not kept takes no name. */
    keep[find(model, "my_model/b")] = false;
    conv_ok(tni_map_named(model, keep, names, NULL, 0, &mapped, &err), NULL);
    assert_int_equal(tn_model_count(mapped), 1);
    tn_model_free(mapped);
    tn_model_free(model);
}

/* A slot that takes a dropped variable's place is a variable; under a slot's name it stays one. */
static void promotes_slots(void **state)
{
    conv *c = *state;
    tn_model *model = conv_open(c->ctx, adam), *mapped;
    tn_str names[COUNT];
    bool keep[COUNT], renamed[COUNT] = {false};
    tn_error err = {0};
    all_names(model, names);
    memset(keep, 1, sizeof keep);
    const uint32_t b = find(model, "my_model/b"), m = find(model, "my_model/b/Adam");
    const uint32_t v = find(model, "my_model/b/Adam_1"), kept = find(model, "my_model/W/Adam");
    keep[b] = false;
    names[m] = TN_LIT("my_model/b");
    names[v] = TN_LIT("c/Adam_1");
    names[kept] = TN_LIT("copy");
    renamed[m] = renamed[v] = renamed[kept] = true;
    conv_ok(tni_map_renamed(model, keep, names, renamed, &mapped, &err), &err);
    const tn_tensor *promoted = tn_model_at(mapped, find(mapped, "my_model/b"));
    assert_int_equal(promoted->role, TN_ROLE_VARIABLE);
    assert_null(promoted->slot.data);
    assert_int_equal(promoted->slot_of, TN_NO_INDEX);
    assert_int_equal(tn_model_at(mapped, find(mapped, "c/Adam_1"))->role, TN_ROLE_SLOT);
    /* Its variable is still there. */
    assert_int_equal(tn_model_at(mapped, find(mapped, "copy"))->role, TN_ROLE_SLOT);
    tn_model_free(mapped);
    tn_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {CONV_TEST(keeps_owners), CONV_TEST(promotes_slots),
                                       CONV_TEST(refuses_equal_names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
