// What llama.cpp makes of a GGUF file: the ids of a text, and the logits after each of them.
//
//   llama_logits MODEL.gguf < text
//
// Prints one line of ids, then one line of logits a token. Built against llama.cpp's sources (November 2025):
//   g++ -O1 -I LLAMA/include -I LLAMA/ggml/include llama_logits.cpp -L LLAMA/build/bin -lllama -lggml -lggml-base -o llama_logits
#include "llama.h"

#include <cstdio>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

int main(int argc, char ** argv) {
    if (argc != 2) {
        std::fprintf(stderr, "usage: llama_logits MODEL.gguf < text\n");
        return 2;
    }
    llama_log_set([](ggml_log_level level, const char * text, void *) {
        if (level == GGML_LOG_LEVEL_ERROR) std::fputs(text, stderr);
    }, nullptr);
    llama_model_params model_params = llama_model_default_params();
    llama_model * model = llama_model_load_from_file(argv[1], model_params);
    if (model == nullptr) return 1;
    const llama_vocab * vocab = llama_model_get_vocab(model);

    std::string text((std::istreambuf_iterator<char>(std::cin)), std::istreambuf_iterator<char>());
    std::vector<llama_token> ids(text.size() + 16);
    int count = llama_tokenize(vocab, text.data(), (int) text.size(), ids.data(), (int) ids.size(), /*add_special=*/true, /*parse_special=*/false);
    if (count < 1) return 1;
    ids.resize(count);

    llama_context_params params = llama_context_default_params();
    params.n_ctx = count;
    params.n_batch = count;
    params.n_ubatch = count;
    params.n_threads = params.n_threads_batch = 1;
    params.type_k = params.type_v = GGML_TYPE_F32; // the default, F16, rounds keys and values
    params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
    llama_context * context = llama_init_from_model(model, params);
    if (context == nullptr) return 1;

    llama_batch batch = llama_batch_init(count, 0, 1);
    for (int i = 0; i < count; i++) {
        batch.token[i] = ids[i];
        batch.pos[i] = i;
        batch.n_seq_id[i] = 1;
        batch.seq_id[i][0] = 0;
        batch.logits[i] = 1;
    }
    batch.n_tokens = count;
    if (llama_decode(context, batch) != 0) return 1;

    for (int i = 0; i < count; i++) std::printf(i == 0 ? "%d" : " %d", ids[i]);
    std::printf("\n");
    int size = llama_vocab_n_tokens(vocab);
    for (int i = 0; i < count; i++) {
        const float * logits = llama_get_logits_ith(context, i);
        for (int v = 0; v < size; v++) std::printf(v == 0 ? "%.9g" : " %.9g", logits[v]);
        std::printf("\n");
    }
    return 0;
}
