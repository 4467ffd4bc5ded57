/* The log of a recording, shared by power_record.c and power_replay.c. */
#ifndef TN_TESTS_POWER_LOG_H
#define TN_TESTS_POWER_LOG_H

#include "support/power.h"

typedef enum operation_kind {
    OP_ENTER,      /* a name leads to an object from now on: a new one, or renamed or linked */
    OP_LEAVE,      /* a name goes: removed, or renamed */
    OP_WRITE,      /* bytes of a file */
    OP_RESERVE,    /* a file is at least this long */
    OP_TRUNCATE,   /* a file is this long */
    OP_SYNC_FILE,  /* of `object` */
    OP_SYNC_FOLDER /* of `object` */
} operation_kind;

typedef struct operation {
    operation_kind kind;
    size_t object;     /* a file or folder */
    size_t folder;     /* the object that a name is in */
    char *name, *data; /* of malloc, or NULL */
    size_t offset, len;
    bool moved;  /* OP_LEAVE: of a rename, whose new name is the operation before */
    bool joined; /* OP_ENTER: of an exchange, there if the operation before is, and only then */
} operation;

/* A file or folder that ever was. Object 0 is the root. */
typedef struct power_object {
    dev_t dev;
    ino_t ino;
    bool is_folder;
    char *data; /* of the beginning */
    size_t len;
} power_object;

struct tn_power {
    power_object *objects;
    size_t n_objects;
    operation *log;
    size_t count, begin; /* the beginning's own names are the first `begin` operations */
};

#endif
