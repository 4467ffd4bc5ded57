#include "formats/shared/interrupted.h"
#include "core/error.h"

tn_status tni_refuse_interrupted(const tni_read *read, tn_str name, tn_error *err)
{
    tn_str folder, path = tn_str_of(tni_source_path(read->main));
    tn_str main = tni_source_name(read->main);
    bool interrupted = false;
    tn_status status =
        tni_arena_str(&read->model->arena, tn_str_first(path, path.len - main.len), &folder, err);
    if (status == TN_OK) {
        status = tni_output_interrupted(read->ctx, folder.data, name, &interrupted, err);
    }
    if (status == TN_OK && interrupted) {
        status = tni_fail(err, TN_E_INTERRUPTED,
                          "the replacement of this checkpoint was interrupted, so its files may "
                          "not belong together");
        tni_error_path(err, path.data);
        tni_error_hint(err, "tenon ckpt recover %s", folder.len == 0 ? "." : folder.data);
    }
    return status;
}
