/* The mutator over all fixtures: what a mutant is, and what came of it. */
#ifndef TN_TESTS_FUZZ_MUTANTS_H
#define TN_TESTS_FUZZ_MUTANTS_H

#include "mutate.h"
#include "target.h"

typedef enum mutant_form {
    FORM_TF,
    FORM_TF_V1,
    FORM_SAFETENSORS,
    FORM_LIST,
    FORM_HDF5,
    FORM_GRAPH,
    FORMS
} mutant_form;
/* Tells whether a form has checksums over everything. */
static inline bool form_is_summed(mutant_form form)
{
    return form == FORM_TF || form == FORM_TF_V1;
}
extern const char *const mutant_forms[FORMS];

enum { SET_FILES = 8, SET_NAME = 256 };

/* One file of a fixture, as it is. */
typedef struct set_file {
    char name[SET_NAME];
    mut_bytes bytes;
} set_file;

/* What the producer says of one tensor. */
typedef struct wanted {
    tn_str key;
    uint64_t digest; /* over form and values, once they were found to be the producer's */
    tn_code code;    /* what reading says of an intact file: nothing, or that it is unsupported */
} wanted;

/* One fixture, in memory. */
typedef struct set {
    char folder[SET_NAME]; /* below fixtures/ */
    char main[SET_NAME];   /* the file to open */
    mutant_form form;
    set_file files[SET_FILES];
    size_t count;
    wanted *tensors;
    size_t n_tensors;
} set;

typedef struct sets {
    set *at;
    size_t count;
} sets;

/* Reads all fixtures that lie in files of 64 KiB or less, checks that tenon reads what the
 * producers say, and stops the process if it does not. */
void sets_load(const char *fixtures, sets *all);
void sets_clear(sets *all);
/* Writes a file of a set into the process's folder. */
void set_write(const set_file *file);

/* A file of a set after damage. */
typedef struct mutant {
    const set *set;
    mut_bytes files[SET_FILES]; /* those that differ; others have no bytes */
    bool differs[SET_FILES];
    bool repaired; /* its sums were made right again: what is read then need not be what was written
                    */
    char how[160]; /* for people */
} mutant;

/* Makes mutant `number` of a seed. */
void mutant_make(const sets *all, uint64_t seed, uint64_t number, mutant *m);
void mutant_clear(mutant *m);

typedef enum mutant_fate { FATE_SAME, FATE_REFUSED, FATE_DIFFERENT, FATE_WRONG, FATES } mutant_fate;

/* What reading a mutant came to. */
typedef struct outcome {
    mutant_fate fate; /* wrong: other values than the producer's although a sum covers them */
    tn_code code;     /* of the first refusal */
    size_t peak;      /* bytes */
    uint64_t micros;  /* of CPU time */
} outcome;

/* Opens, lists, reads and verifies it, from files in the process's folder. */
outcome mutant_try(const mutant *m);
/* Tells whether table_repair leaves an intact set as it is: a repair that does not would try
 * nothing behind the sums. */
bool set_repair_holds(const set *s);

#endif
