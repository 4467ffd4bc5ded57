/* A whole checkpoint: an index and its one data file (the index first, its length before it). What
 * opens gives the same values twice, and `verify` agrees with them. */
#include "table_edit.h"
#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tni_cursor input = tni_cursor_of(data, size);
    fuzz f;
    const char *index = fuzz_file("c.index", fuzz_part(&input));
    (void)fuzz_file("c.data-00000-of-00001", fuzz_rest(&input));
    fuzz_begin(&f);
    (void)fuzz_open(&f, index, "tf_checkpoint");
    fuzz_end(&f);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    return table_mutate_pair(data, size, max_size, seed);
}
