/* Errors: owned by the caller, fixed size, no allocation.
 *
 * Every function that can fail takes `tn_error *` as its last parameter and returns a tn_status. A
 * caller starts from a cleared error (`tn_error err = {0}`); the first failure wins; success never
 * touches it. `NULL` is allowed where only the status matters. */
#ifndef TENON_ERROR_H
#define TENON_ERROR_H

#include <stdbool.h>
#include <stdint.h>

#include <tenon/export.h>

/* What kind of failure it is, and so what the user should do next. */
typedef enum tn_status {
    TN_OK = 0,
    TN_NO,             /* the data says no: differs, no such name, collision, undeclared loss */
    TN_USAGE,          /* the command must change */
    TN_RULE_FILE,      /* the rule file must change */
    TN_NO_MATCH,       /* the flag, pattern or rule must change: it matches nothing */
    TN_NOT_FOUND,      /* the path must change */
    TN_UNKNOWN_FORMAT, /* name the format with --from */
    TN_UNSUPPORTED,    /* use another format or another tool */
    TN_READ,           /* mend access to the input */
    TN_CORRUPT,        /* get an intact copy of the input */
    TN_WRITE,          /* mend access to the output */
    TN_EXISTS,         /* choose another output or say -f */
    TN_LIMIT,          /* raise the limit with --limit if the input is trusted */
    TN_NOMEM,          /* free memory */
    TN_VERIFY,         /* report a bug: the output did not equal the plan */
    TN_UNSAFE,         /* do not trust this input */
    TN_CANCELLED       /* nothing: somebody wanted it so */
} tn_status;

/* What exactly failed. Codes are stable; the list is codes.def. */
typedef enum tn_code {
    TN_E_NONE = 0,
#define TN_CODE(code, status, meaning) code,
#include <tenon/codes.def>
#undef TN_CODE
    TN_CODE_COUNT
} tn_code;

enum { TN_ERROR_PATH = 1024, TN_ERROR_SUBJECT = 512, TN_ERROR_TEXT = 1536 };

/* One failure. Text fields are NUL-terminated UTF-8 with control characters escaped, cut where they
 * do not fit. */
typedef struct tn_error {
    tn_status status;
    tn_code code;
    int sys_errno; /* 0 where the system had no part in it */
    bool has_offset;
    uint64_t offset; /* byte in `path`, valid if has_offset */
    uint32_t line;   /* 1-based; 0: none */
    uint32_t column; /* 1-based; 0: none */
    char path[TN_ERROR_PATH];
    char subject[TN_ERROR_SUBJECT]; /* the tensor, key or rule */
    char message[TN_ERROR_TEXT];    /* one sentence without a full stop */
    char hint[TN_ERROR_TEXT];       /* what to try, best a whole command; may hold several lines */
} tn_error;

/* Returns the program's exit code for a status (cancelled: 130; a program adds the signal's number
 * itself). */
TN_API int tn_status_exit_code(tn_status status);
/* Returns the word of a status, as JSON prints it: "corrupt", "not_found" … */
TN_API const char *tn_status_word(tn_status status);
/* Returns the name of a code: "TN_E_CRC". */
TN_API const char *tn_code_name(tn_code code);
/* Returns the sentence that says what a code means. */
TN_API const char *tn_code_meaning(tn_code code);
/* Returns the status that a code belongs to. */
TN_API tn_status tn_code_status(tn_code code);

#endif
