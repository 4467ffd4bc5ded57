/* Trying one mutant. */
#include "mutants.h"

#include <time.h>
#include <unistd.h>

static uint64_t cpu_micros(void)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec * 1000000 + (uint64_t)used.tv_nsec / 1000;
}

/* Reads what the producer wrote. A refusal is what an intact file would not give. */
static void compare(fuzz *f, const mutant *m, const tn_model *model, outcome *o)
{
    tn_reader *reader;
    FUZZ_HOLDS(tn_reader_new(f->ctx, true, &reader, NULL) == TN_OK);
    bool same = true;
    for (size_t i = 0; i < m->set->n_tensors; i++) {
        const wanted *w = &m->set->tensors[i];
        uint32_t index = tn_model_find(model, TN_SCHEME_KEY, w->key);
        uint64_t digest;
        tn_error err = {0};
        if (index == TN_NO_INDEX) {
            same = false;
            continue;
        }
        tn_status status = fuzz_tensor(reader, tn_model_at(model, index), &digest, &err);
        FUZZ_HOLDS(status == err.status);
        if (err.code != w->code && status != TN_OK) {
            o->code = o->code == TN_E_NONE ? err.code : o->code;
        } else if (status == TN_OK) {
            same = same && w->code == TN_E_NONE && digest == w->digest;
        }
    }
    tn_reader_free(reader);
    bool summed = form_is_summed(m->set->form) && !m->repaired;
    o->fate = o->code != TN_E_NONE ? FATE_REFUSED
              : same               ? FATE_SAME
              : summed             ? FATE_WRONG
                                   : FATE_DIFFERENT;
}

/* Lists, reads what is there by any name, and verifies; a verdict must fit what was read. */
static void read_all(fuzz *f, const mutant *m, const tn_model *model, outcome *o)
{
    tn_verified verified;
    tn_error err = {0};
    tn_report *report = tn_report_new(f->ctx);
    fuzz_values values = fuzz_model(f, model);
    FUZZ_HOLDS(report != NULL && tn_verify(model, report, &verified, &err) == TN_OK);
    FUZZ_HOLDS(values.failed + values.unread > 0 || verified.verdict != TN_VERDICT_CORRUPT);
    tn_report_free(report);
    compare(f, m, model, o);
    if (o->fate == FATE_SAME && verified.verdict == TN_VERDICT_CORRUPT) {
        o->fate = FATE_REFUSED; /* damage in what the producer's record does not speak of */
        o->code = values.failed > 0 ? values.err.code : TN_E_CRC;
    }
}

/* Makes the process's folder hold the mutant. Files that other mutants left are no part of it. */
static void write_files(const mutant *m)
{
    fuzz_clean();
    for (size_t i = 0; i < m->set->count; i++) {
        if (m->differs[i]) {
            (void)fuzz_file(m->set->files[i].name,
                            (tn_str){(const char *)m->files[i].at, m->files[i].len});
        } else {
            set_write(&m->set->files[i]);
        }
    }
}

outcome mutant_try(const mutant *m)
{
    fuzz f;
    tn_model *model;
    tn_error err = {0};
    outcome o = {.fate = FATE_REFUSED};
    write_files(m);
    uint64_t start = cpu_micros();
    fuzz_begin(&f);
    f.refuse = true;
    if (tn_open(f.ctx, fuzz_path(m->set->main), NULL, &model, &err) == TN_OK) {
        read_all(&f, m, model, &o);
        tn_model_free(model);
    } else {
        FUZZ_HOLDS(err.code != TN_E_NONE && err.message[0] != '\0');
        o.code = err.code;
    }
    o.peak = f.peak;
    fuzz_end(&f);
    o.micros = cpu_micros() - start;
    return o;
}
