#include "formats/keras_h5/layout.h"

static bool signature_at(const tni_probe *probe, size_t at)
{
    static const char signature[] = "\x89HDF\r\n\x1a\n"; /* H5F_SIGNATURE */
    enum { LEN = sizeof signature - 1 };
    return at <= probe->head_len && LEN <= probe->head_len - at &&
           memcmp(probe->head + at, signature, LEN) == 0;
}

/* The signature stands at 0, or behind a user block of 512, 1024, 2048 … bytes. */
static tni_grade probe_hdf5(const tni_probe *probe)
{
    bool found = signature_at(probe, 0);
    for (size_t at = 512; !found && at < probe->head_len; at *= 2) {
        found = signature_at(probe, at);
    }
    return found ? TNI_GRADE_CERTAIN : TNI_GRADE_NO;
}

static bool member(tn_str name, const tni_names *siblings, tni_arena *arena, tn_str *main_out)
{
    (void)siblings;
    (void)arena;
    if (!tn_str_ends(name, TN_LIT(".h5")) && !tn_str_ends(name, TN_LIT(".hdf5"))) {
        return false;
    }
    *main_out = name;
    return true;
}

static const char *const extensions[] = {".h5", ".hdf5", NULL};

static const char *const notes[] = {
    "layouts: legacy (.h5 of Keras 1 and 2, whole models of all versions), keras3 (.weights.h5) "
    "and "
    "plain (any tree)",
    "legacy and keras3 hold weights; from one layout to the same everything is kept: the model's "
    "configuration, the optimizer's state, layers without weights",
    "keras3 is written from names of its own shape only (layers/dense/vars/0)",
    "bfloat16 in a legacy file is refused: no Keras reads it",
    "reads what lies in the file itself: external storage, virtual datasets and links other than "
    "hard ones are refused",
    "libhdf5 runs in a caged helper program, tenon-hdf5; where the system refuses the cage, "
    "--no-sandbox is needed",
    NULL};

static const tni_reader_ops reader = {.open = tni_keras_h5_open};

const tn_format tn_format_keras_h5 = {
    .name = "keras_h5",
    .title = "Keras weights and other HDF5",
    .extensions = extensions,
    .notes = notes,
    .probe = probe_hdf5,
    .member = member,
    .reader = &reader,
    .writer = &tni_keras_writer,
};
