/* The format descriptor: all that formats and converters know of each other. One `const` descriptor
 * a drawer; the list is formats.def. docs/adding-a-format.md tells how to add one. */
#ifndef TN_FORMATS_FORMAT_H
#define TN_FORMATS_FORMAT_H

#include "formats/shared/splice.h"
#include "io/output.h"
#include "model/model.h"

/* How sure a probe is. Two equal winners are an error that names both. */
typedef enum tni_grade {
    TNI_GRADE_NO,
    TNI_GRADE_NAME,
    TNI_GRADE_LIKELY,
    TNI_GRADE_CERTAIN
} tni_grade;

enum { TNI_PROBE_WINDOW = 4096 }; /* bytes of head and tail that a probe sees */

/* All that a probe may look at. It does no I/O. */
typedef struct tni_probe {
    tn_str name; /* last path component */
    const uint8_t *head, *tail;
    size_t head_len, tail_len;
    uint64_t size;
} tni_probe;

typedef struct tni_read {
    tn_context *ctx;
    const char *tags; /* --tags: which part of the file is meant; NULL: all. Only for readers that
                         heed it */
    tn_source *main;  /* the set's main file; the reader must not release it (the model keeps it) */
    tn_model *model;  /* empty; the reader fills it, calls tni_model_finish and does not free it. It
                         sets layout, and resolved where one would not type the main file's path */
} tni_read;

/* How a writer stores a dtype. */
typedef enum tni_store { TNI_STORE_REFUSED, TNI_STORE_AS_IS, TNI_STORE_AS_OTHER } tni_store;

typedef struct tni_store_rule {
    tni_store how;
    tn_dtype
        as; /* with TNI_STORE_AS_OTHER: bytes stay, the dtype's word changes (a structure loss) */
    const char *hint; /* with TNI_STORE_REFUSED: what to do instead; may be NULL */
} tni_store_rule;

/* One contiguous range of an output file that the engine fills with a tensor's values
 * (little-endian, row-major). */
typedef struct tni_item {
    const tn_tensor *tensor; /* of the model, or a part of one that the writer made */
    uint32_t index;          /* of the whole tensor in the model */
    tn_str key;    /* under which the container stores the whole tensor, or a twin of it */
    uint32_t file; /* index into tni_write.files */
    bool stored;   /* copy the single leaf's stored bytes instead of values (strings within one
                      format) */
    bool written;  /* the bytes are in a linked file, or the writer wrote them and set their sum in
                      `headers`: the engine leaves them */
    uint64_t offset, bytes;
    uint32_t crc; /* CRC-32C of the bytes: set by the engine before `finish` */
} tni_item;

typedef struct tni_out_file {
    tn_str name; /* plain component; in a folder also two with a slash between them */
    uint64_t size;
    tn_source *link; /* the file is this source's, whole, and is linked, not written; or NULL */
    tn_sink *sink;   /* set before `headers`; NULL for a link */
} tni_out_file;

/* A scalar that a layout needs: it is made where no tensor has the name. */
typedef struct tni_addition {
    const char *name;
    tn_dtype dtype; /* of whole bytes */
    const void *element;
} tni_addition;

/* A layout that a writer chose. */
typedef struct tni_layout {
    const char *word; /* for JSON: "names", "objects" …; "" if there are no variants */
    bool carries;     /* the source's documents and metadata are carried */
    bool graph;       /* the source's graph goes along */
    bool full_names;  /* without --scheme tensors are written by their full names, if all have one
                         and no two the same */
    unsigned roles;   /* those that this layout holds, as in tni_writer_ops; 0: all of these */
    bool (*name_ok)(tn_str name, const char **why_out); /* instead of the writer's, or NULL */
    const tni_addition *additions;
    size_t n_additions;
} tni_layout;

typedef struct tni_write_options {
    uint64_t max_shard_size; /* bytes; 0: one shard */
    bool link;               /* lay files of the source that need no change out as links */
    tn_scheme scheme;        /* that the names are meant in, where the user chose one */
} tni_write_options;

/* What a format decides for one that it lays out within its own (tf_checkpoint heeds it). */
typedef struct tni_nest {
    tn_str *keys;   /* by tensor of the model: under which it is stored, whole */
    tn_str objects; /* the message of the object graph that goes along; or none */
} tni_nest;

/* One write from layout to finish. The arena lives as long as the write. */
typedef struct tni_write {
    tn_context *ctx;
    tni_arena *arena;
    const tn_model *model; /* what to write */
    const char *name;      /* main name of the output as the user typed it, without the folder */
    tni_write_options options;
    tni_layout layout;   /* what choose_layout said; a writer may refine the word */
    tni_out_file *files; /* set by layout */
    size_t n_files;
    uint32_t index_file; /* which of them commits last */
    tni_item *items;     /* set by layout; sorted by (file, offset) */
    size_t n_items;
    tn_pair *metadata; /* for writers that hold it: each key once */
    size_t n_metadata;
    void *state;      /* the writer's own, in the arena */
    tn_report *notes; /* structure losses and warnings go here */
    tn_str *ops; /* by tensor of the model: what the layout does to it, for the plan; none, or NULL
                    where it does nothing */
    const tni_nest *nest; /* set by a format that this one lies within, or NULL */
} tni_write;

/* What becomes of a key of a checkpoint. */
typedef struct tni_rekey {
    tn_str from;
    tn_str to;       /* the key under which the output holds the same tensor, or none */
    const char *why; /* with no `to`: what became of it, as in "X is WHY" */
} tni_rekey;

/* What becomes of a whole checkpoint. */
typedef struct tni_rekeys {
    const tni_rekey *at;
    size_t count;
    bool first_format; /* the output is of TensorFlow's first checkpoint format */
} tni_rekeys;

typedef struct tni_reader_ops {
    /* Fills the model from headers; reads no payload. */
    tn_status (*open)(tni_read *read, tn_error *err);
    /* Lists the plain names of all files of the set that `main` leads (itself included), without
     * judging their content, so that a replaced set goes as a whole; of a format that writes
     * folders the paths of all that the folder may hold, its folders with a slash at their end.
     * NULL: the one file. */
    tn_status (*members)(tn_context *ctx, tn_source *main, tni_arena *arena, tni_names *names_out,
                         tn_error *err);
    bool tags; /* heeds tni_read.tags */
    /* Says what of the model's file has to change for a checkpoint whose keys become others, so
     * that its graph restores from that: nothing where no key changes. Splices come from `arena`.
     * NULL: the files of this format speak of no checkpoint. Errors: TN_E_IMPOSSIBLE (it restores
     * what is not there any more), TN_E_COLLISION and TN_E_CANNOT_HOLD (the graph cannot have the
     * new names), and as reading. */
    tn_status (*rekey)(const tn_model *model, const tni_rekeys *keys, tni_arena *arena,
                       tni_splices *splices_out, tn_error *err);
} tni_reader_ops;

typedef struct tni_writer_ops {
    tni_store_rule (*stores)(tn_dtype dtype);
    unsigned roles; /* bit (1u << tn_role) for each role that it can hold */
    /* Chooses the layout: `name` is the output's, `asked` is --layout or NULL, `renamed` tells
     * whether some tensor gets another name than it has in `source`. Says whether documents and
     * metadata of the source are carried. Errors: TN_E_USAGE (no such layout), TN_E_IMPOSSIBLE (not
     * with this source). */
    tn_status (*choose_layout)(const tn_model *source, tn_str name, const char *asked, bool renamed,
                               tni_layout *layout_out, tn_error *err);
    /* Checks one name; false with a reason if the format cannot hold it. */
    bool (*name_ok)(tn_str name, const char **why_out);
    /* Lays out the whole output: files with sizes, items with places. Pure: touches no file. */
    tn_status (*layout)(tni_write *write, tn_error *err);
    /* Writes what is known before the payload; NULL: nothing. */
    tn_status (*headers)(tni_write *write, tn_error *err);
    /* Writes what needs the items' sums, and the index; NULL: nothing. */
    tn_status (*finish)(tni_write *write, tn_error *err);
    /* Reads back from the folder of staged files what the format's own reader does not look at;
     * NULL: that is nothing. Errors: TN_E_VERIFY, and what reading gives. */
    tn_status (*read_back)(tni_write *write, const char *staged, tn_error *err);
    /* Lists the main files that an output named `name` may have had before, in any layout: what
     * `-f` replaces and what makes the output exist. A format that writes folders lists what they
     * may be called in the folder `name`. */
    tn_status (*mains)(tn_str name, tni_arena *arena, tni_names *mains_out, tn_error *err);
    /* Looks at the names that stand in the output's folder already and warns in write->notes of
     * what will not go with the new output. NULL: nothing to warn of. */
    tn_status (*look_around)(tni_write *write, const tni_names *siblings, tn_error *err);
    /* Tells whether an output name means this format although no extension says so ("ckpt-7").
     * NULL: none does. */
    bool (*claims)(tn_str name);
    bool folder;           /* the output is a folder: its files' names are paths in it */
    bool schemes;          /* with documents carried, names of any --scheme can be renamed */
    bool metadata;         /* write->metadata has a place */
    bool links;            /* `layout` heeds options.link, for a source of the same format */
    bool documents_follow; /* documents that are carried follow renames: a slot whose name is its
                              full name goes with its variable as it is called */
    bool bare_names; /* outputs of this format need no extension, so one without takes the input's
                        format */
} tni_writer_ops;

typedef struct tn_format {
    const char *name, *title;
    const char *const *extensions; /* with dot, as output names end; NULL-terminated */
    const char *const *notes;      /* limits, honestly; NULL-terminated */
    tni_grade (*probe)(const tni_probe *probe);
    /* Says which set the file named `name` belongs to, judged by the names in its folder alone:
     * writes the main file's name. `name` need not exist (a prefix). False if it means nothing to
     * this format. */
    bool (*member)(tn_str name, const tni_names *siblings, tni_arena *arena, tn_str *main_out);
    /* Says what a folder means beyond the one set that lies in it (a state file that names the
     * latest): writes the main file's name, and a note where the choice needs one. NULL, or
     * *main_out stays none: nothing. */
    tn_status (*folder)(tn_context *ctx, const char *folder, const tni_names *names,
                        tni_arena *arena, tn_str *main_out, tn_report *notes, tn_error *err);
    const tni_reader_ops *reader; /* NULL: cannot be read */
    bool from_stdin;              /* `-` is standard input: the whole text is read at once */
    const tni_writer_ops *writer; /* NULL: cannot be written */
} tn_format;

#define TN_FORMAT(name) extern const tn_format tn_format_##name;
#include "formats/formats.def"
#undef TN_FORMAT

/* All formats, in the order of formats.def; NULL-terminated. */
const tn_format *const *tni_formats(void);
/* Finds a format by its name or an accepted short form ("tf", "h5"). NULL if there is none. */
const tn_format *tni_format_find(tn_str name);

/* Opens a file that this process has staged with one format's reader. */
tn_status tni_open_with(tn_context *ctx, const tn_format *format, const char *path,
                        tn_model **model_out, tn_error *err);
/* Opens a source, whose reference it takes over, with the reader of the format named: how a drawer
 * reads a format that lies within its own. */
tn_status tni_open_nested(tn_context *ctx, const char *format, tn_source *main,
                          tn_model **model_out, tn_error *err);

#endif
