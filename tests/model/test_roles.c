/* Roles and slots by name: the families, and where they must not reach. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/roles.h"

typedef struct named {
    const char *name;
    uint32_t rank;
    int64_t shape[3];
    tn_role role;
    const char *slot, *owner; /* NULL: none */
} named;

static void roles_are(const named *tensors, size_t count)
{
    tn_context *ctx = tn_context_new(NULL);
    tn_model *model;
    assert_int_equal(tni_model_new(ctx, &model, NULL), TN_OK);
    for (size_t i = 0; i < count; i++) {
        tn_tensor *tensor;
        assert_int_equal(tni_model_add(model, &tensor, NULL), TN_OK);
        tensor->alias[TN_SCHEME_NAME] = tn_str_of(tensors[i].name);
        assert_int_equal(
            tni_tensor_form(model, tensor, TN_FLOAT32, tensors[i].rank, tensors[i].shape, NULL),
            TN_OK);
    }
    assert_int_equal(tni_roles_by_name(model, NULL), TN_OK);
    for (size_t i = 0; i < count; i++) {
        const tn_tensor *found = &model->tensors[i];
        const char *owner = found->slot_of == TN_NO_INDEX ? NULL : tensors[found->slot_of].name;
        bool same = found->role == tensors[i].role &&
                    (owner == NULL) == (tensors[i].owner == NULL) &&
                    (owner == NULL || strcmp(owner, tensors[i].owner) == 0) &&
                    tn_str_equal(found->slot, tn_str_of(tensors[i].slot));
        if (!same) {
            fail_msg("%s: role %s, owner %s, slot %.*s", tensors[i].name, tn_role_name(found->role),
                     owner == NULL ? "none" : owner, (int)found->slot.len,
                     found->slot.data == NULL ? "" : found->slot.data);
        }
    }
    tn_model_free(model);
    tn_context_free(ctx);
}

#define ROLES_ARE(tensors) roles_are(tensors, sizeof(tensors) / sizeof((tensors)[0]))
#define VARIABLE TN_ROLE_VARIABLE, NULL, NULL
#define SLOT(word, owner) TN_ROLE_SLOT, word, owner

static void every_family(void **state)
{
    (void)state;
    const named tensors[] = {
        {"w", 2, {3, 2}, VARIABLE},
        {"w/Adam", 2, {3, 2}, SLOT("m", "w")},
        {"w/Adam_1", 2, {3, 2}, SLOT("v", "w")},
        {"w/Adam_2", 2, {3, 2}, SLOT("m", "w")},
        {"w/Adam_3", 2, {3, 2}, SLOT("v", "w")},
        {"w/Momentum", 2, {3, 2}, SLOT("momentum", "w")},
        {"w/Adagrad", 2, {3, 2}, SLOT("accumulator", "w")},
        {"w/RMSProp", 2, {3, 2}, SLOT("rms", "w")},
        {"w/RMSProp_1", 2, {3, 2}, SLOT("momentum", "w")},
        {"w/Ftrl", 2, {3, 2}, SLOT("accum", "w")},
        {"w/Ftrl_1", 2, {3, 2}, SLOT("linear", "w")},
        {"w/Adadelta", 2, {3, 2}, SLOT("accum", "w")},
        {"w/Adadelta_1", 2, {3, 2}, SLOT("accum_update", "w")},
        {"w/ExponentialMovingAverage", 2, {3, 2}, SLOT("average", "w")},
        {"w/adam_m", 2, {3, 2}, SLOT("m", "w")},
        {"w/adam_v", 2, {3, 2}, SLOT("v", "w")},
        {"w_slot_v", 2, {3, 2}, SLOT("v", "w")},
        {"w_slot_m", 2, {3, 2}, SLOT("m", "w")},
        {"w_slot_vr", 1, {3}, SLOT("vr", "w")},
        {"w_slot_vc", 1, {2}, SLOT("vc", "w")},
        {"training/Adam/w/m", 2, {3, 2}, SLOT("m", "w")},
        {"training/Opt/w/v", 2, {3, 2}, SLOT("v", "w")},
        {"training/Opt/w/vhat", 2, {3, 2}, SLOT("vhat", "w")},
        {"training/Opt/w/momentum", 2, {3, 2}, SLOT("momentum", "w")},
        {"training/Opt/w/rms", 2, {3, 2}, SLOT("rms", "w")},
        {"training/Opt/w/mg", 2, {3, 2}, SLOT("mg", "w")},
        {"training/Opt/w/linear", 2, {3, 2}, SLOT("linear", "w")},
        {"training/Opt/w/accum_grad", 2, {3, 2}, SLOT("accum_grad", "w")},
        {"training/Opt/w/accum_var", 2, {3, 2}, SLOT("accum_var", "w")},
        {"training/Ftrl/w/accumulator", 2, {3, 2}, SLOT("accumulator", "w")},
        {"c", 1, {2}, VARIABLE},
        {"c/RMSProp", 1, {2}, SLOT("rms", "c")},
        {"c/RMSProp_1", 1, {2}, SLOT("mg", "c")},
        {"c/RMSProp_2", 1, {2}, SLOT("momentum", "c")},
    };
    ROLES_ARE(tensors);
    /* No family is left out above. */
    for (const tni_slot_family *family = tni_slot_families(); family->id != NULL; family++) {
        bool found = false;
        for (size_t i = 0; i < sizeof(tensors) / sizeof(tensors[0]); i++) {
            tn_str name = tn_str_of(tensors[i].name);
            found = found ||
                    (tn_str_ends(name, family->suffix) &&
                     (family->prefix == NULL || tn_str_starts(name, tn_str_of(family->prefix))));
        }
        if (!found) {
            fail_msg("%s: %s", family->id, family->suffix.data);
        }
    }
}

static void owners_behind_scopes(void **state)
{
    (void)state;
    const named tensors[] = {
        {"a/w", 1, {2}, VARIABLE},
        {"a/a/w/Adam", 1, {2}, SLOT("m", "a/w")},
        {"train/b/a/w/Adam", 1, {2}, SLOT("m", "a/w")},
        {"w", 1, {2}, VARIABLE},
        {"b/w/Adam", 1, {2}, SLOT("m", "w")},
        /* The nearest owner by name does not fit, one that does stands behind. */
        {"s/w", 1, {9}, VARIABLE},
        {"s/w/Adam", 1, {2}, SLOT("m", "w")},
    };
    ROLES_ARE(tensors);
}

static void what_is_no_slot(void **state)
{
    (void)state;
    const named tensors[] = {
        {"w", 2, {3, 2}, VARIABLE},         {"w/Adam_01", 2, {3, 2}, VARIABLE},
        {"w/Adam_", 2, {3, 2}, VARIABLE},   {"w/Adamax", 2, {3, 2}, VARIABLE},
        {"w/adam", 2, {3, 2}, VARIABLE},    {"w/m", 2, {3, 2}, VARIABLE}, /* only below training/ */
        {"gone/Adam", 2, {3, 2}, VARIABLE}, {"Adam", 2, {3, 2}, VARIABLE},
        {"/Adam", 2, {3, 2}, VARIABLE},     {"w/Momentum", 2, {2, 3}, VARIABLE}, /* another shape */
        {"w/Adagrad", 1, {3}, VARIABLE}, /* rows, but the family is not factored */
        {"w_slot_vr", 1, {4}, VARIABLE},    {"w_slot_vc", 2, {3, 1}, VARIABLE},
    };
    ROLES_ARE(tensors);
}

static void counters_and_state(void **state)
{
    (void)state;
    const named tensors[] = {
        {"global_step", 0, {0}, TN_ROLE_COUNTER, NULL, NULL},
        {"a/global_step", 0, {0}, TN_ROLE_COUNTER, NULL, NULL},
        {"optimizer/_iterations", 0, {0}, TN_ROLE_COUNTER, NULL, NULL},
        {"global_steps", 0, {0}, VARIABLE},
        {"beta1_power", 0, {0}, TN_ROLE_STATE, NULL, NULL},
        {"s/beta2_power_1", 0, {0}, TN_ROLE_STATE, NULL, NULL},
        {"beta3_power", 0, {0}, VARIABLE},
        {"beta1_power_x", 0, {0}, VARIABLE},
        {"beta1_power_", 0, {0}, VARIABLE},
        {"dropout/seed_generator_state", 1, {2}, TN_ROLE_STATE, NULL, NULL},
        {"optimizer/_learning_rate", 0, {0}, TN_ROLE_STATE, NULL, NULL},
        {"keras_api/metrics/0/total", 0, {0}, TN_ROLE_STATE, NULL, NULL},
        {"metrics/0/total", 0, {0}, VARIABLE},
    };
    ROLES_ARE(tensors);
}

static void shapes_that_fit(void **state)
{
    (void)state;
    const int64_t owner[] = {2, 3, 4}, rows[] = {2, 3}, columns[] = {2, 4}, other[] = {3, 4};
    assert_true(tni_slot_fits(owner, 3, owner, 3, false));
    assert_false(tni_slot_fits(rows, 2, owner, 3, false));
    assert_true(tni_slot_fits(rows, 2, owner, 3, true));
    assert_true(tni_slot_fits(columns, 2, owner, 3, true));
    assert_false(tni_slot_fits(other, 2, owner, 3, true));
    assert_true(tni_slot_fits(NULL, 0, owner, 3, true));
    assert_false(tni_slot_fits(NULL, 0, owner, 3, false));
    assert_false(tni_slot_fits(rows, 1, owner, 3, true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_family),    cmocka_unit_test(owners_behind_scopes),
        cmocka_unit_test(what_is_no_slot), cmocka_unit_test(counters_and_state),
        cmocka_unit_test(shapes_that_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
