/* Raising errors inside the library. See include/tenon/error.h for the contract. */
#ifndef TN_CORE_ERROR_H
#define TN_CORE_ERROR_H

#include <tenon/error.h>
#include <tenon/str.h>

/* Records a failure, unless `err` already holds one (first failure wins), and returns the status of
 * the error that stands in `err` (of `code` if err is NULL). The message is one sentence without a
 * full stop. */
tn_status tni_fail(tn_error *err, tn_code code, const char *format, ...) TN_PRINTF(3, 4);
/* The same for a failed system call: appends ": " and the text of `sys_errno`, keeps the number,
 * and turns ENOMEM into TN_E_NOMEM (but for TN_E_DURABILITY), ENOSPC and EDQUOT into TN_E_NO_SPACE
 * (if `code` is TN_E_WRITE). */
tn_status tni_fail_errno(tn_error *err, tn_code code, int sys_errno, const char *format, ...)
    TN_PRINTF(4, 5);

/* Each of these adds a place or a hint to the error at hand, only where that is still empty, so
 * that the function that knows the most specific place wins. They accept NULL and return nothing:
 * call them between tni_fail and return. */
void tni_error_path(tn_error *err, const char *path);
void tni_error_offset(tn_error *err, uint64_t offset);
void tni_error_place(tn_error *err, uint32_t line, uint32_t column);
/* Escapes the name as text.h does. */
void tni_error_subject(tn_error *err, tn_str name);
void tni_error_hint(tn_error *err, const char *format, ...) TN_PRINTF(2, 3);
/* Adds a line of hint behind those that are there; nothing where it does not fit. */
void tni_error_hint_line(tn_error *err, const char *format, ...) TN_PRINTF(2, 3);

#endif
