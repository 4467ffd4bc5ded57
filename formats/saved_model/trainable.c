#include "formats/saved_model/trainable.h"

/* Takes ":0" off a variable's name. */
static tn_str operation_of(tn_str name)
{
    int64_t output;
    return tni_sm_input_node(name, &output);
}

/* Tells whether TensorFlow wrote into each VariableDef whether it is trained: from 1.9 on. */
static bool says_trainable(tn_str version)
{
    bool zero = tn_str_starts(version, TN_LIT("0."));
    bool one = tn_str_starts(version, TN_LIT("1.")) && version.len > 2 && version.data[2] >= '0' &&
               version.data[2] <= '8' && (version.len == 3 || version.data[3] == '.');
    return version.len > 0 && !zero && !one;
}

/* Takes one VariableDef of a collection. */
static tn_status take(tn_str message, bool says, bool listed, tni_hash *by_name, tn_error *err)
{
    tni_wire wire = tni_wire_of(message);
    tni_wire_field field;
    tn_str name = TN_LIT("");
    bool trainable = false;
    while (tni_wire_next(&wire, &field)) {
        name = field.tag == VARIABLE_NAME ? field.bytes : name;
        trainable = field.tag == VARIABLE_TRAINABLE ? field.number != 0 : trainable;
    }
    if (!says) {
        trainable = listed;
    }
    if (trainable) {
        return tni_hash_set(by_name, operation_of(name), 1, err);
    }
    return tni_hash_add(by_name, operation_of(name), 0, NULL, err);
}

tn_status tni_sm_trainable(const tni_sm_meta *meta, tni_hash *by_name, tn_error *err)
{
    bool says = says_trainable(meta->version);
    tn_status status = TN_OK;
    for (uint32_t i = 0; status == TN_OK && i < meta->collections.count; i++) {
        const tni_sm_entry *entry = &meta->collections.at[i];
        bool listed = tn_str_equal(entry->key, TN_LIT("trainable_variables"));
        tni_wire wire = tni_wire_of(entry->message), inner;
        tni_wire_field field, part;
        if (!listed && !tn_str_equal(entry->key, TN_LIT("variables"))) {
            continue;
        }
        while (status == TN_OK && tni_wire_next(&wire, &field)) {
            inner = tni_wire_of(field.tag == COLLECTION_BYTES ? field.bytes : TN_LIT(""));
            while (status == TN_OK && tni_wire_next(&inner, &part)) {
                if (part.tag == COLLECTION_ITEM) {
                    status = take(part.bytes, says, listed, by_name, err);
                }
            }
        }
    }
    return status;
}
