#include "converters/rules/tables.h"

#include "core/hash.h"
#include <stdlib.h>

static int by_word(const void *a, const void *b)
{
    const tni_table_entry *x = a, *y = b;
    return tn_str_compare(x->word, y->word);
}

void tni_table_sort(tni_table *table)
{
    if (table->count > 1) {
        qsort(table->entries, table->count, sizeof(tni_table_entry), by_word);
    }
}

tn_str tni_table_find(const tni_table *table, tn_str word)
{
    size_t low = 0, high = table->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = tn_str_compare(table->entries[middle].word, word);
        if (order == 0) {
            return table->entries[middle].text;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return TN_STR_NONE;
}

const tni_table *tni_tables_find(const tni_tables *tables, tn_str name)
{
    for (size_t i = 0; i < tables->count; i++) {
        if (tn_str_equal(tables->at[i].name, name)) {
            return &tables->at[i];
        }
    }
    return NULL;
}

tn_status tni_table_is_injective(tn_context *ctx, const tni_table *table, const tn_str *words,
                                 size_t count, bool *injective_out, tn_str *first_out,
                                 tn_str *second_out, tn_error *err)
{
    tni_hash texts;
    tn_status status = TN_OK;
    bool injective = true;
    count = words == NULL ? table->count : count;
    tni_hash_init(&texts, ctx, count);
    for (uint32_t i = 0; status == TN_OK && injective && i < count; i++) {
        tn_str word = words == NULL ? table->entries[i].word : words[i];
        tn_str text = tni_table_find(table, word);
        uint32_t other = TNI_HASH_NONE;
        if (text.data != NULL) {
            status = tni_hash_add(&texts, text, i, &other, err);
        }
        if (other != TNI_HASH_NONE) {
            injective = false;
            *first_out = words == NULL ? table->entries[other].word : words[other];
            *second_out = word;
        }
    }
    tni_hash_clear(&texts);
    if (status == TN_OK) {
        *injective_out = injective;
    }
    return status;
}
