#include "model/roles.h"

#include "core/error.h"
#include "core/hash.h"

/* TensorFlow 1: slots live in their variable's scope under the optimizer's name, in the order of
 * creation (tensorflow/python/training/slot_creator.py and each optimizer's _create_slots); a
 * second optimizer of the same name counts on. bert-adam: optimization.py of google-research/bert.
 * mesh-adafactor: mesh_tensorflow/optimize.py. keras-training: Keras optimizers in TensorFlow 1
 * graphs, training/OPTIMIZER/W/SLOT. */
#define S(literal)                   \
    {                                \
        literal, sizeof(literal) - 1 \
    }
static const tni_slot_family families[] = {
    {"tf1-adam", S("/Adam"), true, NULL, false, {"m", "v"}},
    {"tf1-momentum", S("/Momentum"), true, NULL, false, {"momentum"}},
    {"tf1-adagrad", S("/Adagrad"), true, NULL, false, {"accumulator"}},
    {"tf1-rmsprop", S("/RMSProp"), true, NULL, false, {"rms", "momentum"}},
    {"tf1-rmsprop-centred", S("/RMSProp"), true, NULL, false, {"rms", "mg", "momentum"}},
    {"tf1-ftrl", S("/Ftrl"), true, NULL, false, {"accum", "linear"}},
    {"tf1-adadelta", S("/Adadelta"), true, NULL, false, {"accum", "accum_update"}},
    {"tf1-ema", S("/ExponentialMovingAverage"), true, NULL, false, {"average"}},
    {"bert-adam", S("/adam_m"), false, NULL, false, {"m"}},
    {"bert-adam", S("/adam_v"), false, NULL, false, {"v"}},
    {"mesh-adafactor", S("_slot_m"), false, NULL, true, {"m"}},
    {"mesh-adafactor", S("_slot_v"), false, NULL, true, {"v"}},
    {"mesh-adafactor", S("_slot_vr"), false, NULL, true, {"vr"}},
    {"mesh-adafactor", S("_slot_vc"), false, NULL, true, {"vc"}},
    {"keras-training", S("/m"), false, "training/", false, {"m"}},
    {"keras-training", S("/v"), false, "training/", false, {"v"}},
    {"keras-training", S("/vhat"), false, "training/", false, {"vhat"}},
    {"keras-training", S("/momentum"), false, "training/", false, {"momentum"}},
    {"keras-training", S("/rms"), false, "training/", false, {"rms"}},
    {"keras-training", S("/mg"), false, "training/", false, {"mg"}},
    {"keras-training", S("/accumulator"), false, "training/", false, {"accumulator"}},
    {"keras-training", S("/linear"), false, "training/", false, {"linear"}},
    {"keras-training", S("/accum_grad"), false, "training/", false, {"accum_grad"}},
    {"keras-training", S("/accum_var"), false, "training/", false, {"accum_var"}},
    {NULL, {NULL, 0}, false, NULL, false, {NULL}},
};
#undef S

enum { MAX_SCOPES = 64 }; /* components that are taken off in search of an owner */

const tni_slot_family *tni_slot_families(void)
{
    return families;
}

bool tni_slot_fits(const int64_t *slot, uint32_t slot_rank, const int64_t *owner,
                   uint32_t owner_rank, bool factored)
{
    if (slot_rank == owner_rank) {
        return slot_rank == 0 || memcmp(slot, owner, slot_rank * sizeof(int64_t)) == 0;
    }
    if (!factored || slot_rank == 0) {
        return factored;
    }
    if (owner_rank < 2 || slot_rank != owner_rank - 1) {
        return false;
    }
    /* All but the last dimension are common; the slot's last is either of the owner's last two. */
    size_t common = (size_t)slot_rank - 1;
    return memcmp(slot, owner, common * sizeof(int64_t)) == 0 &&
           (slot[common] == owner[common] || slot[common] == owner[common + 1]);
}

static bool is_one_of(tn_str text, const tn_str *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (tn_str_equal(text, words[i])) {
            return true;
        }
    }
    return false;
}

bool tni_is_counter(tn_str last)
{
    static const tn_str words[] = {{"global_step", 11}, {"save_counter", 12}, {"iter", 4},
                                   {"_iterations", 11}, {"iteration", 9},     {"iterations", 10}};
    return is_one_of(last, words, sizeof(words) / sizeof(words[0]));
}

bool tni_is_random_state(tn_str last)
{
    static const tn_str words[] = {{"seed_generator_state", 20}, {"_state_var", 10}};
    return is_one_of(last, words, sizeof(words) / sizeof(words[0]));
}

tn_str tni_last_component(tn_str name)
{
    const char *slash = name.len == 0 ? NULL : memrchr(name.data, '/', name.len);
    return slash == NULL ? name : tn_str_skip(name, (size_t)(slash - name.data) + 1);
}

/* Takes the first component off; false if it was the last one. */
static bool pop_component(tn_str *path, tn_str *first)
{
    const char *slash = path->len == 0 ? NULL : memchr(path->data, '/', path->len);
    *first = slash == NULL ? *path : tn_str_first(*path, (size_t)(slash - path->data));
    if (slash == NULL) {
        return false;
    }
    *path = tn_str_skip(*path, first->len + 1);
    return true;
}

bool tni_is_state_path(tn_str path)
{
    tn_str component, before = TN_STR_NONE;
    bool more = true;
    while (more) {
        more = pop_component(&path, &component);
        if (tn_str_equal(component, TN_LIT("loss_scale")) ||
            (tn_str_equal(component, TN_LIT("metrics")) &&
             tn_str_equal(before, TN_LIT("keras_api")))) {
            return true;
        }
        before = component;
    }
    return false;
}

/* Tells whether a last component is Adam's running power of a beta: beta1_power, beta2_power_1 … */
static bool is_beta_power(tn_str last)
{
    if (last.len < 11 || !tn_str_starts(last, TN_LIT("beta")) ||
        (last.data[4] != '1' && last.data[4] != '2')) {
        return false;
    }
    tn_str rest = tn_str_skip(last, 5);
    if (!tn_str_starts(rest, TN_LIT("_power"))) {
        return false;
    }
    rest = tn_str_skip(rest, 6);
    if (rest.len == 1 || (rest.len > 1 && rest.data[0] != '_')) {
        return false;
    }
    for (size_t i = 1; i < rest.len; i++) {
        if (rest.data[i] < '0' || rest.data[i] > '9') {
            return false;
        }
    }
    return true;
}

static bool is_state(tn_str name)
{
    tn_str last = tni_last_component(name);
    return is_beta_power(last) || tni_is_random_state(last) || tni_is_state_path(name) ||
           tn_str_equal(name, TN_LIT("optimizer/_learning_rate")) ||
           tn_str_ends(name, TN_LIT("/optimizer/_learning_rate"));
}

/* A search for the owners of one model's slots. */
typedef struct owners {
    tn_model *model;
    tni_hash by_name;
    bool hashed;
} owners;

/* A name, and the same without a trailing _NUMBER. */
typedef struct split_name {
    tn_str whole, bare;
    unsigned number;
} split_name;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Takes a trailing _NUMBER off; one of more than 3 digits is none of an optimizer's. */
static split_name split_number(tn_str name)
{
    split_name split = {name, name, 0};
    size_t digits = 0;
    while (digits < name.len && is_digit(name.data[name.len - 1 - digits])) {
        digits++;
    }
    if (digits == 0 || digits > 3 || digits >= name.len ||
        name.data[name.len - 1 - digits] != '_' || name.data[name.len - digits] == '0') {
        return split;
    }
    for (size_t i = name.len - digits; i < name.len; i++) {
        split.number = 10 * split.number + (unsigned)(name.data[i] - '0');
    }
    split.bare.len -= digits + 1;
    return split;
}

/* Takes one family's suffix off a name: *base_out gets what stands before it, *number_out its
 * number. */
static bool take_suffix(const tni_slot_family *family, const split_name *split, tn_str *base_out,
                        unsigned *number_out)
{
    tn_str suffix = family->suffix, name = family->counts ? split->bare : split->whole;
    /* Most names are told by their last byte. */
    if (name.len <= suffix.len || name.data[name.len - 1] != suffix.data[suffix.len - 1] ||
        !tn_str_ends(name, suffix) ||
        (family->prefix != NULL && !tn_str_starts(name, tn_str_of(family->prefix)))) {
        return false;
    }
    *base_out = tn_str_first(name, name.len - suffix.len);
    *number_out = family->counts ? split->number : 0;
    return true;
}

/* Tells whether `base` + "/RMSProp_NUMBER" exists. */
static bool has_rmsprop(const owners *o, tn_str base, char number)
{
    char name[1024];
    const char suffix[] = {'/', 'R', 'M', 'S', 'P', 'r', 'o', 'p', '_', number};
    if (base.len > sizeof(name) - sizeof(suffix)) {
        return false;
    }
    memcpy(name, base.data, base.len);
    memcpy(name + base.len, suffix, sizeof(suffix));
    return tni_hash_get(&o->by_name, (tn_str){name, base.len + sizeof(suffix)}) != TNI_HASH_NONE;
}

/* RMSProp has two slots a variable, three when centred: that only a third name tells. */
static bool right_rmsprop(const owners *o, const tni_slot_family *family, tn_str base,
                          unsigned number)
{
    if (strncmp(family->id, "tf1-rmsprop", 11) != 0) {
        return true;
    }
    bool centred = number <= 2 && has_rmsprop(o, base, '2') && !has_rmsprop(o, base, '3');
    return centred == (family->slots[2] != NULL);
}

static const char *slot_word(const tni_slot_family *family, unsigned number)
{
    unsigned slots = 1;
    while (slots < 3 && family->slots[slots] != NULL) {
        slots++;
    }
    return family->slots[number % slots];
}

/* Finds the variable that a slot belongs to: its name is `base`, or ends it after a '/'. */
static uint32_t find_owner(const owners *o, uint32_t slot, tn_str base, bool factored)
{
    const tn_tensor *tensors = o->model->tensors;
    tn_str component;
    bool more = true;
    for (int i = 0; more && i < MAX_SCOPES; i++) {
        uint32_t owner = tni_hash_get(&o->by_name, base);
        if (owner != TNI_HASH_NONE && owner != slot && !tensors[slot].any_shape &&
            !tensors[owner].any_shape &&
            tni_slot_fits(tensors[slot].shape, tensors[slot].rank, tensors[owner].shape,
                          tensors[owner].rank, factored)) {
            return owner;
        }
        more = pop_component(&base, &component);
    }
    return TN_NO_INDEX;
}

static void set_slot(const owners *o, uint32_t index)
{
    tn_tensor *tensor = &o->model->tensors[index];
    split_name split = split_number(tensor->alias[TN_SCHEME_NAME]);
    for (const tni_slot_family *family = families; family->id != NULL; family++) {
        tn_str base;
        unsigned number;
        if (!take_suffix(family, &split, &base, &number) ||
            !right_rmsprop(o, family, base, number)) {
            continue;
        }
        uint32_t owner = find_owner(o, index, base, family->factored);
        if (owner != TN_NO_INDEX) {
            tensor->role = TN_ROLE_SLOT;
            tensor->slot = tn_str_of(slot_word(family, number));
            tensor->slot_of = owner;
            return;
        }
    }
}

/* Tells whether a name can end in a family's suffix, by its last two bytes: this is asked of every
 * tensor of a model. */
static bool may_be_slot(tn_str name)
{
    static const char ends[][2] = {{'a', 'm'}, {'u', 'm'}, {'a', 'd'}, {'o', 'p'}, {'r', 'l'},
                                   {'t', 'a'}, {'g', 'e'}, {'_', 'm'}, {'_', 'v'}, {'v', 'r'},
                                   {'v', 'c'}, {'/', 'm'}, {'/', 'v'}, {'a', 't'}, {'m', 's'},
                                   {'m', 'g'}, {'o', 'r'}, {'a', 'r'}};
    if (name.len < 2) {
        return false;
    }
    const char *last = name.data + name.len - 2;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        if (last[0] == ends[i][0] && last[1] == ends[i][1]) {
            return true;
        }
    }
    return false;
}

bool tni_slot_base(tn_str name, size_t *family_inout, tn_str *base_out)
{
    /* A number may follow the suffix. */
    if (name.len == 0 || (!may_be_slot(name) && !is_digit(name.data[name.len - 1]))) {
        return false;
    }
    split_name split = split_number(name);
    unsigned number;
    while (families[*family_inout].id != NULL) {
        if (take_suffix(&families[(*family_inout)++], &split, base_out, &number)) {
            return true;
        }
    }
    return false;
}

static bool has_suffix(tn_str name)
{
    size_t family = 0;
    tn_str base;
    return tni_slot_base(name, &family, &base);
}

/* Makes the table of names, which a model without slots never needs. */
static tn_status hash_names(owners *o, tn_error *err)
{
    tn_status status = TN_OK;
    if (o->hashed) {
        return TN_OK;
    }
    o->hashed = true;
    for (uint32_t i = 0; status == TN_OK && i < o->model->count; i++) {
        status =
            tni_hash_add(&o->by_name, o->model->tensors[i].alias[TN_SCHEME_NAME], i, NULL, err);
    }
    return status;
}

tn_status tni_roles_by_name(tn_model *model, tn_error *err)
{
    owners o = {.model = model};
    tn_status status = TN_OK;
    tni_hash_init(&o.by_name, model->ctx, model->count);
    for (uint32_t i = 0; status == TN_OK && i < model->count; i++) {
        tn_tensor *tensor = &model->tensors[i];
        tn_str name = tensor->alias[TN_SCHEME_NAME];
        if (tensor->role != TN_ROLE_VARIABLE) {
            continue;
        }
        if (tni_is_counter(tni_last_component(name))) {
            tensor->role = TN_ROLE_COUNTER;
        } else if (is_state(name)) {
            tensor->role = TN_ROLE_STATE;
        } else if (has_suffix(name)) {
            status = hash_names(&o, err);
            if (status == TN_OK) {
                set_slot(&o, i);
            }
        }
    }
    tni_hash_clear(&o.by_name);
    return status;
}
