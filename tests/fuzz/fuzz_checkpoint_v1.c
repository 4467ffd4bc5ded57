/* A checkpoint of the first format, one file. What opens gives the same values twice, and `verify`
 * agrees with them. */
#include "table_edit.h"
#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz f;
    const char *path = fuzz_file("c", (tn_str){(const char *)data, size});
    fuzz_begin(&f);
    (void)fuzz_open(&f, path, "tf_checkpoint_v1");
    fuzz_end(&f);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    return table_mutate_lone(data, size, max_size, seed);
}
