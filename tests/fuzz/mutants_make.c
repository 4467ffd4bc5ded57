/* Mutants: which fixture, which file, which damage, and whether sums are made right again. */
#include "mutants.h"

#include "table_edit.h"
#include <stdio.h>
#include <string.h>

/* How many of a hundred mutants are of each form: a helper program makes HDF5 dear, and its files
 * have a sweep of their own. */
static const unsigned shares[FORMS] = {45, 15, 26, 5, 1, 8};

static const set *draw_set(const sets *all, mut_rng *rng)
{
    size_t share = mut_below(rng, 100), form = 0, count = 0;
    while (share >= shares[form]) {
        share -= shares[form++];
    }
    for (size_t i = 0; i < all->count; i++) {
        count += all->at[i].form == form;
    }
    size_t which = mut_below(rng, count);
    for (size_t i = 0; i < all->count; i++) {
        if (all->at[i].form == form && which-- == 0) {
            return &all->at[i];
        }
    }
    return &all->at[0];
}

static bool ends(const char *name, const char *tail)
{
    return tn_str_ends(tn_str_of(name), tn_str_of(tail));
}

/* Finds the files of a checkpoint: the index that is opened, and its data file if it is the only
 * one. */
static void find_pair(const set *s, size_t *index_out, size_t *data_out)
{
    *index_out = *data_out = SET_FILES;
    for (size_t i = 0; i < s->count; i++) {
        bool ours = strncmp(s->files[i].name, s->main, strcspn(s->main, ".")) == 0;
        *index_out = ours && ends(s->files[i].name, ".index") ? i : *index_out;
        *data_out = ours && ends(s->files[i].name, ".data-00000-of-00001") ? i : *data_out;
    }
}

/* Returns the mutant's own copy of a file. */
static mut_bytes *change(mutant *m, size_t file)
{
    if (!m->differs[file]) {
        mut_set(&m->files[file], m->set->files[file].bytes.at, m->set->files[file].bytes.len);
        m->differs[file] = true;
    }
    return &m->files[file];
}

static void note(mutant *m, const char *file, const char *what)
{
    size_t len = strlen(m->how);
    snprintf(m->how + len, sizeof m->how - len, "%s%s of %s", len == 0 ? "" : ", ", what, file);
}

/* Changes a safetensors header as JSON, and mostly the length before it too. */
static void edit_header(mut_rng *rng, mut_bytes *file)
{
    mut_bytes header = {NULL, 0, 0};
    uint8_t word[8];
    uint64_t len = file->len < 8 ? 0 : tni_load_u64le(file->at);
    if (file->len < 8 || len > file->len - 8) {
        return;
    }
    mut_set(&header, file->at + 8, (size_t)len);
    mut_json(rng, &header);
    mut_replace(file, 8, (size_t)len, header.at, header.len);
    if (mut_below(rng, 8) > 0) {
        tni_store_u64le(word, header.len);
        memcpy(file->at, word, sizeof word);
    }
    mut_clear(&header);
}

/* Changes a set by its structure; false where it has none that is known here. */
static bool edit(mut_rng *rng, mutant *m, size_t file)
{
    const char *name = m->set->files[file].name;
    size_t index, data;
    find_pair(m->set, &index, &data);
    if (m->set->form == FORM_TF && index < SET_FILES && data < SET_FILES &&
        mut_below(rng, 3) == 0) {
        graph_edit(rng, change(m, index), change(m, data));
        note(m, name, "edges");
    } else if (m->set->form == FORM_TF && index < SET_FILES) {
        table_edit(rng, change(m, index));
        note(m, name, "entries");
    } else if (m->set->form == FORM_TF_V1) {
        table_edit(rng, change(m, file));
        note(m, name, "entries");
    } else if (ends(name, ".safetensors")) {
        edit_header(rng, change(m, file));
        note(m, name, "header");
    } else if (ends(name, ".json")) {
        mut_json(rng, change(m, file));
        note(m, name, "members");
    } else {
        return false;
    }
    return true;
}

static void damage(const sets *all, mut_rng *rng, mutant *m, size_t file)
{
    const set *from = draw_set(all, rng);
    const mut_bytes *other = &from->files[mut_below(rng, from->count)].bytes;
    mut_kind kind =
        mut_damage(rng, MUT_ANY, change(m, file), (tn_str){(const char *)other->at, other->len});
    note(m, m->set->files[file].name, mut_names[kind]);
}

static void repair(mutant *m)
{
    size_t index, data;
    find_pair(m->set, &index, &data);
    if (m->set->form == FORM_TF && index < SET_FILES) {
        table_repair(change(m, index), data < SET_FILES ? change(m, data) : NULL);
        m->repaired = true;
    }
    for (size_t i = 0; m->set->form == FORM_TF_V1 && i < m->set->count; i++) {
        table_repair(change(m, i), NULL);
        m->repaired = true;
    }
}

void mutant_make(const sets *all, uint64_t seed, uint64_t number, mutant *m)
{
    mut_rng rng = {seed};
    rng.state = mut_next(&rng) ^ number * UINT64_C(0xD1342543DE82EF95);
    *m = (mutant){.set = draw_set(all, &rng)};
    bool by_structure = mut_below(&rng, 3) == 0, mended = by_structure || mut_below(&rng, 2) == 0;
    for (size_t n = 1 + (mut_below(&rng, 4) == 0 ? mut_below(&rng, 4) : 0); n > 0; n--) {
        size_t file = mut_below(&rng, m->set->count);
        if (!by_structure || !edit(&rng, m, file)) {
            damage(all, &rng, m, file);
        }
    }
    if (mended) {
        repair(m);
    }
}

void mutant_clear(mutant *m)
{
    for (size_t i = 0; i < SET_FILES; i++) {
        mut_clear(&m->files[i]);
    }
}

bool set_repair_holds(const set *s)
{
    size_t index, data;
    mutant m = {.set = s};
    find_pair(s, &index, &data);
    if (s->form != FORM_TF || index == SET_FILES || data == SET_FILES ||
        strstr(s->folder, "big-endian") != NULL) {
        return true; /* big-endian sums of strings are not repaired */
    }
    repair(&m);
    bool same =
        tn_str_equal((tn_str){(char *)m.files[index].at, m.files[index].len},
                     (tn_str){(char *)s->files[index].bytes.at, s->files[index].bytes.len}) &&
        tn_str_equal((tn_str){(char *)m.files[data].at, m.files[data].len},
                     (tn_str){(char *)s->files[data].bytes.at, s->files[data].bytes.len});
    mutant_clear(&m);
    return same;
}
