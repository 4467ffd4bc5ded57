#include "converters/rules/presets.h"

#include <tenon/text.h>

const tni_preset *tni_preset_find(tn_str name)
{
    for (const tni_preset *preset = tni_presets; preset->name != NULL; preset++) {
        if (tn_str_equal(name, tn_str_of(preset->name))) {
            return preset;
        }
    }
    return NULL;
}

/* Tells how far a name is from a preset's, or from one of its two parts; UINT32_MAX: too far. */
static unsigned distance(tn_str name, const char *preset)
{
    const char *slash = strchr(preset, '/');
    unsigned limit = (unsigned)(name.len / 2 + 1);
    unsigned best = tn_edit_distance(name, tn_str_of(preset), limit);
    if (slash != NULL) {
        unsigned last = tn_edit_distance(name, tn_str_of(slash + 1), limit);
        unsigned first = tn_edit_distance(name, (tn_str){preset, (size_t)(slash - preset)}, limit);
        best = last < best ? last : best;
        best = first < best ? first : best;
    }
    return best < limit ? best : UINT32_MAX;
}

tn_status tni_preset_unknown(tn_str name, tn_error *err)
{
    const tni_preset *nearest = NULL;
    unsigned best = UINT32_MAX;
    char shown[TN_ERROR_SUBJECT];
    tn_escape(name, shown, sizeof shown);
    tn_status status = tni_fail(err, TN_E_USAGE, "there is no preset '%s'", shown);
    for (const tni_preset *preset = tni_presets; preset->name != NULL; preset++) {
        unsigned far = distance(name, preset->name);
        if (far < best) {
            best = far;
            nearest = preset;
        }
    }
    if (nearest != NULL) {
        tni_error_hint(err, "did you mean preset:%s?", nearest->name);
    } else {
        tni_error_hint(err, "tenon rules list");
    }
    return status;
}
