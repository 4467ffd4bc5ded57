#include "support/power_log.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const size_t NONE = SIZE_MAX, ROOT = 0;

/* What happened to the data that no fsync covers. */
typedef enum loss { LOSE_NOTHING, LOSE_ALL, LOSE_ONE, TEAR_LAST } loss;

/* One state: what is left of the first `cut` operations. */
typedef struct cut_state {
    const tn_power *p;
    size_t cut;
    bool *durable;     /* of each operation before the cut */
    size_t names_kept; /* of the changes of names that are not durable */
    size_t dropped;    /* one more that is missing, or NONE */
    loss loss;
    size_t lost; /* with LOSE_ONE: which operation; with TEAR_LAST: the one that is torn */
} cut_state;

/* A name in a folder. */
typedef struct entry {
    size_t folder, object;
    const char *name;
    bool made;
} entry;

typedef struct names {
    entry *at;
    size_t count;
} names;

typedef struct replay {
    const char *where;
    void (*each)(void *user, bool complete);
    void *user;
    uint64_t *seen; /* hashes of the states that were built */
    size_t n_seen, room;
    tn_power_counts counts;
} replay;

static void *must(void *block)
{
    if (block == NULL) {
        perror("power");
        abort();
    }
    return block;
}

static bool is_name(const operation *op)
{
    return op->kind == OP_ENTER || op->kind == OP_LEAVE;
}

static bool is_data(const operation *op)
{
    return op->kind == OP_WRITE || op->kind == OP_RESERVE || op->kind == OP_TRUNCATE;
}

/* ---------------------------------------------------------------- what is on the disk */

/* Tells whether a later operation before the cut makes this one durable. */
static bool synced(const tn_power *p, size_t at, size_t cut)
{
    const operation *op = &p->log[at];
    for (size_t i = at + 1; i < cut; i++) {
        const operation *sync = &p->log[i];
        if ((is_data(op) && sync->kind == OP_SYNC_FILE && sync->object == op->object) ||
            (is_name(op) && sync->kind == OP_SYNC_FOLDER && sync->object == op->folder)) {
            return true;
        }
    }
    return at < p->begin;
}

static size_t find_name(const names *n, size_t folder, const char *name)
{
    for (size_t i = 0; i < n->count; i++) {
        if (n->at[i].folder == folder && strcmp(n->at[i].name, name) == 0) {
            return i;
        }
    }
    return NONE;
}

static void drop_name(names *n, size_t folder, const char *name)
{
    size_t at = find_name(n, folder, name);
    if (at != NONE) {
        n->at[at] = n->at[--n->count];
    }
}

static void set_name(names *n, size_t folder, const char *name, size_t object)
{
    drop_name(n, folder, name);
    n->at[n->count++] = (entry){folder, object, name, false};
}

/* Tells whether this change of a name is the one that is missing: a rename without its new name
 * did not happen. */
static bool is_dropped(const cut_state *s, size_t at)
{
    return s->dropped != NONE &&
           (at == s->dropped ||
            (at == s->dropped + 1 && (s->p->log[at].moved || s->p->log[at].joined)));
}

/* Applies the changes of names that this state kept. */
static names names_of(const cut_state *s)
{
    names n = {must(calloc(s->cut + 1, sizeof(entry))), 0};
    size_t loose = 0;
    bool kept = false;
    for (size_t i = 0; i < s->cut; i++) {
        const operation *op = &s->p->log[i];
        if (!op->joined) {
            kept = is_name(op) && (s->durable[i] || (loose++ < s->names_kept && !is_dropped(s, i)));
        }
        if (kept && op->kind == OP_ENTER) {
            set_name(&n, op->folder, op->name, op->object);
        } else if (kept) {
            drop_name(&n, op->folder, op->name);
        }
    }
    return n;
}

/* Returns how many bytes of a write are there. */
static size_t part_of(const cut_state *s, size_t at)
{
    size_t len = s->p->log[at].len;
    bool gone = s->loss == LOSE_ALL || (s->loss == LOSE_ONE && s->lost == at);
    if (s->durable[at] || s->loss == LOSE_NOTHING) {
        return len;
    }
    return gone ? 0 : s->loss == TEAR_LAST && s->lost == at ? len / 2 : len;
}

static void lengthen(char **data, size_t *len, size_t to)
{
    if (to > *len) {
        *data = must(realloc(*data, to + 1));
        memset(*data + *len, 0, to - *len);
        *len = to;
    }
}

/* Computes the bytes of a file in this state. */
static char *data_of(const cut_state *s, size_t object, size_t *len_out)
{
    size_t len = s->p->objects[object].len;
    char *data = must(malloc(len + 1));
    if (len > 0) {
        memcpy(data, s->p->objects[object].data, len);
    }
    for (size_t i = s->p->begin; i < s->cut; i++) {
        const operation *op = &s->p->log[i];
        size_t part = is_data(op) && op->object == object ? part_of(s, i) : 0;
        if (part == 0 && !(op->kind == OP_TRUNCATE && op->object == object && op->len == 0)) {
            continue;
        }
        lengthen(&data, &len, op->offset + part);
        if (op->kind == OP_WRITE) {
            memcpy(data + op->offset, op->data, part);
        }
        len = op->kind == OP_TRUNCATE ? op->len : len;
    }
    *len_out = len;
    return data;
}

/* ---------------------------------------------------------------- building it */

static int by_name(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order != 0 ? order : (x->folder > y->folder) - (x->folder < y->folder);
}

static uint64_t mix(uint64_t hash, const void *data, size_t len)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    }
    return (hash ^ len) * UINT64_C(0x100000001b3);
}

/* Finds the name by which a folder is known; NONE if nothing leads to it. */
static size_t name_of_folder(const names *n, size_t folder)
{
    for (size_t i = 0; i < n->count; i++) {
        if (n->at[i].object == folder) {
            return i;
        }
    }
    return NONE;
}

/* Nothing here lies deeper than two folders. */
static bool reached(const names *n, const entry *e)
{
    size_t folder = e->folder;
    for (int depth = 0; depth < 3 && folder != ROOT; depth++) {
        size_t at = name_of_folder(n, folder);
        if (at == NONE) {
            return false;
        }
        folder = n->at[at].folder;
    }
    return folder == ROOT;
}

static uint64_t hash_of(const cut_state *s, const names *n)
{
    bool complete = s->cut == s->p->count;
    uint64_t hash = mix(UINT64_C(0xcbf29ce484222325), &complete, sizeof complete);
    for (size_t i = 0; i < n->count; i++) {
        const entry *e = &n->at[i];
        if (reached(n, e)) {
            hash = mix(hash, e->name, strlen(e->name));
            hash = mix(hash, &e->folder, sizeof e->folder);
        }
        if (reached(n, e) && !s->p->objects[e->object].is_folder) {
            size_t len;
            char *data = data_of(s, e->object, &len);
            hash = mix(hash, data, len);
            free(data);
        }
    }
    return hash;
}

static bool is_new(replay *r, uint64_t hash)
{
    for (size_t i = 0; i < r->n_seen; i++) {
        if (r->seen[i] == hash) {
            return false;
        }
    }
    if (r->n_seen == r->room) {
        r->room = r->room == 0 ? 256 : 2 * r->room;
        r->seen = must(realloc(r->seen, r->room * sizeof *r->seen));
    }
    r->seen[r->n_seen++] = hash;
    return true;
}

/* Links a file to the name under which it was made already; false if it was not. Links lie in the
 * root or in a folder there. */
static bool link_file(const names *n, int root, int dir, const entry *e)
{
    char path[600];
    for (size_t i = 0; i < n->count; i++) {
        const entry *other = &n->at[i];
        if (other->made && other->object == e->object) {
            snprintf(path, sizeof path, "%s/%s",
                     other->folder == ROOT ? "." : n->at[name_of_folder(n, other->folder)].name,
                     other->name);
            return linkat(root, path, dir, e->name, 0) == 0;
        }
    }
    return false;
}

static void make_file(const cut_state *s, int dir, const entry *e)
{
    size_t len;
    char *data = data_of(s, e->object, &len);
    int fd = openat(dir, e->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, data, len) != (ssize_t)len) {
        must(NULL);
    }
    close(fd);
    free(data);
}

/* Makes what lies in `folder`; folders come before what lies in them. */
static void make_names(const cut_state *s, const names *n, int root, size_t folder, int dir)
{
    for (size_t i = 0; i < n->count; i++) {
        entry *e = &n->at[i];
        if (e->folder != folder) {
            continue;
        }
        if (!s->p->objects[e->object].is_folder) {
            if (!link_file(n, root, dir, e)) {
                make_file(s, dir, e);
            }
            e->made = true;
        } else {
            int inner = mkdirat(dir, e->name, 0700) == 0
                            ? openat(dir, e->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                            : -1;
            if (inner < 0) {
                must(NULL);
            }
            make_names(s, n, root, e->object, inner);
            close(inner);
        }
    }
}

static void build(replay *r, const cut_state *s)
{
    names n = names_of(s);
    qsort(n.at, n.count, sizeof *n.at, by_name);
    r->counts.states++;
    if (is_new(r, hash_of(s, &n))) {
        int root = open(r->where, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (root < 0) {
            must(NULL);
        }
        make_names(s, &n, root, ROOT, root);
        close(root);
        r->counts.differ++;
        r->each(r->user, s->cut == s->p->count);
    }
    free(n.at);
}

/* ---------------------------------------------------------------- every state */

/* Builds all that the data of one cut and one choice of names may be. */
static void every_loss(replay *r, cut_state *s)
{
    size_t last = NONE;
    s->loss = LOSE_NOTHING;
    build(r, s);
    s->loss = LOSE_ALL;
    build(r, s);
    for (size_t i = s->p->begin; i < s->cut; i++) {
        if (is_data(&s->p->log[i]) && !s->durable[i]) {
            last = s->lost = i;
            s->loss = LOSE_ONE;
            build(r, s);
        }
    }
    if (last != NONE && s->p->log[last].kind == OP_WRITE) {
        s->loss = TEAR_LAST;
        s->lost = last;
        build(r, s);
    }
}

static void every_state(replay *r, const tn_power *p, size_t cut)
{
    size_t loose = 0;
    cut_state s = {.p = p, .cut = cut, .durable = must(calloc(cut + 1, sizeof(bool)))};
    for (size_t i = 0; i < cut; i++) {
        s.durable[i] = synced(p, i, cut);
        loose += is_name(&p->log[i]) && !s.durable[i] && !p->log[i].joined;
    }
    s.dropped = NONE;
    for (s.names_kept = 0; s.names_kept <= loose; s.names_kept++) {
        every_loss(r, &s);
    }
    for (size_t i = 0; i < cut; i++) {
        if (is_name(&p->log[i]) && !s.durable[i] && !p->log[i].joined) {
            s.dropped = i;
            every_loss(r, &s);
        }
    }
    free(s.durable);
}

tn_power_counts tn_power_replay(const tn_power *power, const char *where,
                                void (*each)(void *user, bool complete), void *user)
{
    replay r = {.where = where, .each = each, .user = user};
    for (size_t cut = power->begin; cut <= power->count; cut++) {
        every_state(&r, power, cut);
    }
    free(r.seen);
    return r.counts;
}
