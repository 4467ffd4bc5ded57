/* The reader's parts. */
#ifndef TN_FORMATS_SAVED_MODEL_READ_H
#define TN_FORMATS_SAVED_MODEL_READ_H

#include "formats/format.h"
#include "formats/saved_model/index.h"

/* Fills the model. */
tn_status tni_sm_open(tni_read *read, tn_error *err);

/* Lists all that a SavedModel's folder may hold. */
tn_status tni_sm_members(tn_context *ctx, tn_source *main, tni_arena *arena, tni_names *names_out,
                         tn_error *err);

/* Adds the variables' tensors: those of the checkpoint in `variables/`, with the names that the
 * graph gives them, or for a .meta alone those that it would restore, without values. Errors:
 * TN_E_MISSING_FILE (the graph has variables and the checkpoint is not there), and what opening it
 * gives. */
tn_status tni_sm_add_variables(tni_read *read, tn_graph *graph, tni_arena *scratch, tn_error *err);
/* Adds the constants of all MetaGraphs, or of the one chosen. Hidden where the model has variables,
 * and those of functions. Errors: TN_E_CORRUPT with the constant as subject. */
tn_status tni_sm_add_constants(tni_read *read, tn_graph *graph, tni_arena *scratch, tn_error *err);

/* Says what has to change in the graph's file for a checkpoint with other keys, as
 * tni_reader_ops.rekey. A variable that is called as its key is renamed with it. */
tn_status tni_sm_rekey(const tn_model *model, const tni_rekeys *keys, tni_arena *arena,
                       tni_splices *splices_out, tn_error *err);

#endif
