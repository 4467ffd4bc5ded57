/* Writes the seeds of all fuzz targets, made of the fixtures: FOLDER/TARGET/NAME.
 *
 *     fuzz_seeds FIXTURES FOLDER */
#include "target.h"

#include "model/model.h"
#include "mutate.h"
#include "seeds.h"
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH_ROOM = 4096, MOST = 1 << 16 /* bytes of a file that is a seed */ };

static const char *out_folder;
static size_t written;

static void make_folder(const char *path)
{
    FUZZ_HOLDS(mkdir(path, 0777) == 0 || errno == EEXIST);
}

void seed_write(const char *target, const char *name, const mut_bytes *bytes)
{
    char path[PATH_ROOM];
    snprintf(path, sizeof path, "%s/%s", out_folder, target);
    make_folder(path);
    size_t len = strlen(path);
    snprintf(path + len, sizeof path - len, "/%s", name);
    for (char *c = path + len + 1; *c != '\0'; c++) {
        *c = *c == '/' ? '-' : *c;
    }
    FILE *file = fopen(path, "wb");
    FUZZ_HOLDS(file != NULL && fwrite(bytes->at, 1, bytes->len, file) == bytes->len);
    FUZZ_HOLDS(fclose(file) == 0);
    written++;
}

bool seed_load(const char *path, mut_bytes *bytes)
{
    static char block[MOST];
    FILE *file = fopen(path, "rb");
    size_t len = file == NULL ? MOST : fread(block, 1, MOST, file);
    if (file != NULL) {
        fclose(file);
    }
    if (len < MOST) {
        mut_set(bytes, block, len);
    }
    return len < MOST;
}

/* Puts a length before the first of two files. */
static void pack(mut_bytes *out, const mut_bytes *first, const mut_bytes *second)
{
    mut_add_u32(out, (uint32_t)first->len);
    mut_add(out, first->at, first->len);
    mut_add(out, second->at, second->len);
}

/* A seed of the whole program: what it is called, what it becomes, and the files. */
static void program(const char *name, uint8_t kind, const mut_bytes *bytes)
{
    static uint8_t becomes;
    mut_bytes seed = {NULL, 0, 0};
    uint8_t head[] = {kind, becomes};
    becomes = (uint8_t)((becomes + 1) % 16);
    mut_add(&seed, head, sizeof head);
    mut_add(&seed, bytes->at, bytes->len);
    seed_write("program", name, &seed);
    mut_clear(&seed);
}

static void checkpoint(const char *path, const char *name, const mut_bytes *index)
{
    char shard[PATH_ROOM];
    mut_bytes data = {NULL, 0, 0}, seed = {NULL, 0, 0};
    snprintf(shard, sizeof shard, "%.*s.data-00000-of-00001",
             (int)(strlen(path) - strlen(".index")), path);
    if (seed_load(shard, &data)) {
        pack(&seed, index, &data);
        seed_write("checkpoint", name, &seed);
        program(name, 1, &seed);
    }
    mut_clear(&data);
    mut_clear(&seed);
}

/* The object graph as the reader keeps it for writers. */
static void graph(const char *path, const char *name)
{
    fuzz f;
    tn_model *model;
    fuzz_begin(&f);
    if (tn_open(f.ctx, path, NULL, &model, NULL) == TN_OK) {
        for (size_t i = 0; i < model->n_carriers; i++) {
            mut_bytes message = {NULL, 0, 0};
            mut_set(&message, model->carriers[i].bytes.data, model->carriers[i].bytes.len);
            if (strcmp(model->carriers[i].family, "tf_object_graph") == 0) {
                seed_write("graph", name, &message);
            }
            mut_clear(&message);
        }
        tn_model_free(model);
    }
    fuzz_end(&f);
}

static void shards(const char *path, const char *name, const mut_bytes *index)
{
    char shard[PATH_ROOM];
    mut_bytes seed = {NULL, 0, 0}, part = {NULL, 0, 0};
    mut_add_u32(&seed, (uint32_t)index->len);
    mut_add(&seed, index->at, index->len);
    for (int i = 1; i <= 2; i++) {
        size_t stem = strlen(path) - strlen(".safetensors.index.json");
        snprintf(shard, sizeof shard, "%.*s-0000%d-of-00002.safetensors", (int)stem, path, i);
        FUZZ_HOLDS(seed_load(shard, &part));
        if (i == 1) {
            mut_add_u32(&seed, (uint32_t)part.len);
        }
        mut_add(&seed, part.at, part.len);
    }
    seed_write("shards", name, &seed);
    mut_clear(&part);
    mut_clear(&seed);
}

static void safetensors(const char *name, mut_bytes *file)
{
    seed_write("safetensors", name, file);
    program(name, 0, file);
    if (file->len >= 8) {
        mut_bytes header = {NULL, 0, 0};
        uint64_t len = tni_load_u64le(file->at);
        mut_set(&header, file->at + 8, len < file->len - 8 ? (size_t)len : file->len - 8);
        seed_write("json", name, &header);
        mut_clear(&header);
    }
}

static void names_list(const char *name, const mut_bytes *file, char kind)
{
    mut_bytes seed = {NULL, 0, 0};
    mut_add(&seed, &kind, 1);
    mut_add(&seed, file->at, file->len);
    seed_write("names_list", name, &seed);
    mut_clear(&seed);
}

static bool ends(const char *path, const char *tail)
{
    return tn_str_ends(tn_str_of(path), tn_str_of(tail));
}

/* A byte for what the file is called, then the file. */
static void graph_file(const char *name, const char *path, const mut_bytes *file)
{
    mut_bytes seed = {NULL, 0, 0};
    uint8_t kind = ends(path, "saved_model.pb") ? 0
                   : ends(path, ".pb")          ? 1
                   : ends(path, ".meta")        ? 2
                                                : 3;
    mut_add(&seed, &kind, 1);
    mut_add(&seed, file->at, file->len);
    seed_write("saved_model", name, &seed);
    if (kind != 3) {
        seed_write("rename", name, &seed);
    }
    mut_clear(&seed);
}

/* Decides which targets a fixture's file seeds. */
static void take(const char *path, const char *name, mut_bytes *file)
{
    if (strstr(path, "/tf_checkpoint_v1/") != NULL && strstr(path, "/model.ckpt") != NULL) {
        seed_write("table", name, file);
        seed_write("checkpoint_v1", name, file);
    } else if (ends(path, ".index")) {
        seed_write("table", name, file);
        checkpoint(path, name, file);
        graph(path, name);
    } else if (ends(path, "/checkpoint")) {
        seed_write("state", name, file);
    } else if (ends(path, ".safetensors")) {
        safetensors(name, file);
    } else if (ends(path, ".safetensors.index.json")) {
        seed_write("safetensors", name, file);
        seed_write("json", name, file);
        shards(path, name, file);
    } else if (ends(path, ".json") && file->len < 8192) {
        seed_write("json", name, file);
        names_list(name, file, 'j');
        program(name, 4, file);
    } else if (ends(path, ".yaml")) {
        seed_write("yaml", name, file);
        seed_write("rules", name, file);
        program(name, 5, file);
    } else if (ends(path, ".pb") || ends(path, ".meta") || ends(path, ".pbtxt")) {
        graph_file(name, path, file);
    } else if (ends(path, ".h5") && file->len < 16384) {
        program(name, 7, file);
        seed_protocol(path, name);
    }
}

static const char *root;

static int visit(const char *path, const struct stat *about, int type, struct FTW *where)
{
    mut_bytes file = {NULL, 0, 0};
    (void)about;
    (void)where;
    if (type == FTW_F && seed_load(path, &file)) {
        take(path, path + strlen(root) + 1, &file);
    }
    mut_clear(&file);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: fuzz_seeds FIXTURES FOLDER\n");
        return 2;
    }
    root = argv[1];
    out_folder = argv[2];
    make_folder(out_folder);
    FUZZ_HOLDS(nftw(root, visit, 16, FTW_PHYS) == 0);
    seed_texts();
    printf("%zu seeds written\n", written);
    return written == 0;
}
