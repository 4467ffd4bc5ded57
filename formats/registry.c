/* The list of formats. Nothing is registered at run time. */
#include "formats/format.h"
#include <tenon/formats.h>

static const tn_format *const all_formats[] = {
#define TN_FORMAT(name) &tn_format_##name,
#include "formats/formats.def"
#undef TN_FORMAT
    NULL,
};

const tn_format *const *tni_formats(void)
{
    return all_formats;
}

const tn_format *tni_format_find(tn_str name)
{
    static const struct {
        const char *word, *name;
    } short_forms[] = {{"tf", "tf_checkpoint"}, {"h5", "keras_h5"}};
    for (size_t i = 0; i < sizeof short_forms / sizeof short_forms[0]; i++) {
        if (tn_str_equal(name, tn_str_of(short_forms[i].word))) {
            name = tn_str_of(short_forms[i].name);
        }
    }
    for (size_t i = 0; all_formats[i] != NULL; i++) {
        if (tn_str_equal(name, tn_str_of(all_formats[i]->name))) {
            return all_formats[i];
        }
    }
    return NULL;
}

size_t tn_format_count(void)
{
    return sizeof all_formats / sizeof all_formats[0] - 1;
}

tn_format_info tn_format_at(size_t index)
{
    const tn_format *format = all_formats[index];
    return (tn_format_info){.name = format->name,
                            .title = format->title,
                            .extensions = format->extensions,
                            .notes = format->notes,
                            .reads = format->reader != NULL,
                            .writes = format->writer != NULL};
}

tn_format_dtype tn_format_stores(size_t index, tn_dtype dtype)
{
    const tni_writer_ops *writer = all_formats[index]->writer;
    tni_store_rule rule = {.how = TNI_STORE_REFUSED};
    if (writer != NULL) {
        rule = writer->stores(dtype);
    }
    return (tn_format_dtype){.dtype = dtype,
                             .stored = rule.how != TNI_STORE_REFUSED,
                             .as = rule.how == TNI_STORE_AS_OTHER ? rule.as : dtype};
}

const char *tn_model_format(const tn_model *model)
{
    return model->format->name;
}
