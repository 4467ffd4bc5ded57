/* A sharded safetensors model: its index and two shards (each but the last with its length before
 * it). */
#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tni_cursor input = tni_cursor_of(data, size);
    fuzz f;
    const char *index = fuzz_file("model.safetensors.index.json", fuzz_part(&input));
    (void)fuzz_file("model-00001-of-00002.safetensors", fuzz_part(&input));
    (void)fuzz_file("model-00002-of-00002.safetensors", fuzz_rest(&input));
    fuzz_begin(&f);
    (void)fuzz_open(&f, index, "safetensors");
    fuzz_end(&f);
    return 0;
}
