/* Rule files: `metadata`, what is set in the output and what is copied from the input. */
#include "converters/rules/file.h"

#include "converters/rules/lexer.h"

static const tni_key metadata_keys[] = {{"set", false}, {"copy", false}, {NULL, false}};

tn_status tni_file_metadata(tni_file_reading *r, const tni_yaml *map, tn_error *err)
{
    tn_status status = tni_value_kind(map, TNI_YAML_MAP, err);
    if (status == TN_OK) {
        status = tni_keys_check(map, metadata_keys, "'metadata'", err);
    }
    const tni_yaml *set = tni_keys_find(map, "set"), *copy = tni_keys_find(map, "copy");
    if (status == TN_OK && set == NULL && copy == NULL) {
        status = tni_value_wrong(map, err, "it must have 'set', 'copy' or both");
    }
    if (status == TN_OK && set != NULL) {
        status = tni_value_kind(set, TNI_YAML_MAP, err);
    }
    for (const tni_yaml *one = set == NULL ? NULL : set->first; status == TN_OK && one != NULL;
         one = one->next) {
        status = tni_value_kind(one, TNI_YAML_TEXT, err);
    }
    if (status == TN_OK && copy != NULL) {
        status = tni_value_kind(copy, TNI_YAML_LIST, err);
    }
    for (const tni_yaml *one = copy == NULL ? NULL : copy->first; status == TN_OK && one != NULL;
         one = one->next) {
        status = tni_value_kind(one, TNI_YAML_TEXT, err);
    }
    r->set->metadata = map;
    r->set->metadata_set = set;
    r->set->metadata_copy = copy;
    return status;
}
