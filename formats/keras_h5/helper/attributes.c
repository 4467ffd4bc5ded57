/* Attributes with their values. */
#include "formats/keras_h5/helper/helper.h"

#include <stdlib.h>

typedef struct name_list {
    tnh_helper *helper;
    char **at;
    size_t count, room;
} name_list;

static herr_t collect(hid_t object, const char *name, const H5A_info_t *info, void *user)
{
    (void)object;
    (void)info;
    name_list *names = user;
    if (names->count == names->room) {
        names->room = names->room == 0 ? 16 : 2 * names->room;
        names->at = tnh_grow(names->at, names->room, sizeof *names->at);
    }
    size_t len = strlen(name);
    tnh_limit(names->helper, len, names->helper->max_name, TNI_H5_LIMIT_NAME);
    names->at[names->count] = tnh_alloc(len + 1, 1);
    memcpy(names->at[names->count++], name, len);
    return 0;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

H5T_str_t tnh_padding_of(hid_t type)
{
    return H5Tget_class(type) == H5T_STRING ? H5Tget_strpad(type) : H5T_STR_NULLTERM;
}

/* Where a string of fixed length ends without its padding. */
static size_t trimmed(const char *text, size_t width, H5T_str_t padding)
{
    if (padding == H5T_STR_NULLTERM) {
        return strnlen(text, width);
    }
    char pad = padding == H5T_STR_SPACEPAD ? ' ' : '\0';
    while (width > 0 && text[width - 1] == pad) {
        width--;
    }
    return width;
}

void tnh_send_strings(tnh_channel *channel, const tnh_type *type, H5T_str_t padding,
                      const void *data, uint64_t count)
{
    enum { BATCH = 32768 };
    char batch[BATCH];
    size_t used = 0;
    for (uint64_t i = 0; i < count; i++) {
        bool variable = (type->flags & TNI_H5_VARIABLE) != 0;
        const char *text =
            variable ? ((char *const *)data)[i] : (const char *)data + i * type->width;
        size_t len = !variable      ? trimmed(text, type->width, padding)
                     : text == NULL ? 0
                                    : strlen(text);
        if (used + 4 > BATCH || len > BATCH - 4 - used) {
            tnh_bytes(channel, batch, used);
            used = 0;
        }
        tni_store_u32le(batch + used, (uint32_t)len);
        used += 4;
        if (len > BATCH - used) {
            tnh_bytes(channel, batch, used);
            tnh_bytes(channel, text, len);
            used = 0;
        } else if (len > 0) {
            memcpy(batch + used, text, len);
            used += len;
        }
    }
    tnh_bytes(channel, batch, used);
}

/* Sums up what tnh_send_strings will send. */
static uint64_t strings_bytes(const tnh_type *type, H5T_str_t padding, const void *data,
                              uint64_t count)
{
    uint64_t sum = 4 * count;
    for (uint64_t i = 0; i < count; i++) {
        if ((type->flags & TNI_H5_VARIABLE) == 0) {
            sum += trimmed((const char *)data + i * type->width, type->width, padding);
        } else if (((char *const *)data)[i] != NULL) {
            sum += strlen(((char *const *)data)[i]);
        }
    }
    return sum;
}

/* Reads the values of an attribute in native order; NULL if its type has no dtype. */
static void *read_values(tnh_helper *helper, hid_t attribute, hid_t type, const tnh_type *is,
                         uint64_t elements)
{
    uint64_t bytes;
    size_t element = tnh_type_bytes(is);
    if (is->dtype == TN_DTYPE_NONE || elements == 0) {
        return NULL;
    }
    if (__builtin_mul_overflow(elements, element, &bytes)) {
        tnh_damaged(helper);
    }
    tnh_limit(helper, bytes, helper->max_header - helper->header, TNI_H5_LIMIT_HEADER);
    void *values = tnh_alloc(bytes, 1);
    hid_t memory = tnh_must(helper, tnh_type_memory(type, is));
    tnh_must(helper, H5Aread(attribute, memory, values));
    (void)H5Tclose(memory);
    return values;
}

static void send_attribute(tnh_helper *helper, hid_t attribute, const char *name)
{
    tnh_space space;
    hid_t type = tnh_must(helper, H5Aget_type(attribute));
    hid_t extent = tnh_must(helper, H5Aget_space(attribute));
    tnh_type is = tnh_type_of(helper, type);
    tnh_space_of(helper, extent, &space);
    H5T_str_t padding = tnh_padding_of(type);
    void *values = read_values(helper, attribute, type, &is, space.elements);
    uint64_t bytes = values == NULL          ? 0
                     : is.dtype == TN_STRING ? strings_bytes(&is, padding, values, space.elements)
                                             : space.elements * tnh_type_bytes(&is);
    tnh_limit(helper, bytes, helper->max_header - helper->header, TNI_H5_LIMIT_HEADER);
    helper->header += bytes;
    helper->attributes++;
    tnh_begin(&helper->channel, TNI_H5_ATTRIBUTE);
    tnh_put_type(&helper->channel, &is);
    tnh_put_space(&helper->channel, &space);
    tnh_put_u64(&helper->channel, bytes);
    tnh_put(&helper->channel, name, strlen(name));
    tnh_end(&helper->channel);
    if (values != NULL && is.dtype == TN_STRING) {
        tnh_send_strings(&helper->channel, &is, padding, values, space.elements);
        if ((is.flags & TNI_H5_VARIABLE) != 0) {
            (void)H5Dvlen_reclaim(type, extent, H5P_DEFAULT, values);
        }
    } else if (values != NULL) {
        tnh_bytes(&helper->channel, values, bytes);
    }
    free(values);
    (void)H5Sclose(extent);
    (void)H5Tclose(type);
}

void tnh_attributes(tnh_helper *helper, hid_t object)
{
    name_list names = {.helper = helper};
    hsize_t from = 0;
    tnh_must(helper, H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_NATIVE, &from, collect, &names));
    H5O_info_t about;
    tnh_must(helper, H5Oget_info2(object, &about, H5O_INFO_NUM_ATTRS));
    if (about.num_attrs != names.count) {
        tnh_damaged(helper);
    }
    if (names.count > 1) {
        qsort(names.at, names.count, sizeof *names.at, compare);
    }
    for (size_t i = 0; i < names.count; i++) {
        if (i > 0 && strcmp(names.at[i - 1], names.at[i]) == 0) {
            tnh_damaged(helper);
        }
        hid_t attribute = tnh_must(helper, H5Aopen(object, names.at[i], H5P_DEFAULT));
        send_attribute(helper, attribute, names.at[i]);
        (void)H5Aclose(attribute);
    }
    for (size_t i = 0; i < names.count; i++) {
        free(names.at[i]);
    }
    free(names.at);
}
