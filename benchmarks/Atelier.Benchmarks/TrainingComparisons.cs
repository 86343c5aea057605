using Atelier.Models.Gpt;
using Atelier.Models.Rnn;
using Atelier.Networks;
using Atelier.Recipes;

namespace Atelier.Benchmarks;

/// <summary>
/// Training beside PyTorch's, the same network, batch and update on the same tokens; the best of its ways counts.
/// </summary>
internal static class TrainingComparisons
{
    private const string Peers = "PyTorch, the best of bf16 autocast, the same with foreach, and fp32";

    public static IEnumerable<Comparison> All =>
    [
        Gpt("train-gpt-small", layers: 4, heads: 4, width: 128, context: 64, batch: 12, steps: 500),
        Gpt("train-gpt-medium", layers: 6, heads: 6, width: 384, context: 256, batch: 8, steps: 40),
        Gru("train-gru", vocabulary: 10_000, embedding: 256, width: 512, context: 64, batch: 64, steps: 24),
    ];

    /// <summary>
    /// nanoGPT's own shape on Tiny Shakespeare by character: GPT-2's without biases, with the exact GELU.
    /// </summary>
    public static Comparison Gpt(string name, int layers, int heads, int width, int context, int batch, int steps)
    {
        var work = new TrainingWork(name, steps, new TokenizerSection { ByteFallback = false },
            new ModelSection("gpt", new GptConfig
        {
            LayerCount = layers, HeadCount = heads, HiddenSize = width, ContextLength = context,
            Bias = false, Activation = ActivationName.Gelu,
        }), batch);
        return Comparison(work,
            $"train a GPT of {layers} layers, {heads} heads, {width} wide, context {context}, batch {batch}",
            GptFlops(layers, width, context),
            ["gpt", "--vocabulary", "66", "--layers", $"{layers}", "--heads", $"{heads}", "--width", $"{width}",
                "--context", $"{context}", "--batch", $"{batch}"]);
    }

    /// <summary>
    /// Floating-point operations a token: 12 width² weights a block, met three times; queries by keys and weights by
    /// values over the whole context, three times.
    /// </summary>
    public static double GptFlops(int layers, int width, int context) =>
        6.0 * layers * ((12.0 * width * width) + (2.0 * context * width));

    /// <summary>A recurrent model over a BPE vocabulary of Tiny Shakespeare.</summary>
    private static Comparison Gru(string name, int vocabulary, int embedding, int width, int context, int batch,
        int steps)
    {
        double flops = 6.0 * width * ((3.0 * (embedding + width)) + vocabulary); // each weight is met three times
        var work = new TrainingWork(name, steps,
            new TokenizerSection { Kind = TokenizerKind.Bpe, VocabularySize = vocabulary },
            new ModelSection("rnn",
                new RnnConfig { Cell = CellName.Gru, EmbeddingSize = embedding, HiddenSize = width,
                ContextLength = context }), batch);
        return Comparison(work,
            $"train a GRU of {width} units, embedding {embedding}, vocabulary {vocabulary:N0}, {context} steps, "
                + $"batch {batch}", flops,
            ["gru", "--vocabulary", $"{vocabulary}", "--embedding", $"{embedding}", "--width", $"{width}", "--context",
                $"{context}", "--batch", $"{batch}"]);
    }

    private static Comparison Comparison(TrainingWork work, string description, double flopsPerToken, string[] shape)
    {
        string[] Peer(params string[] precision) =>
            ["train_text.py", .. shape, "--steps", $"{work.Steps}", "--ids", work.IdsPath, "--precision", .. precision];
        return new(work.Name, $"{description}; {Peers}", "tokens/s", 1.5, work.Run,
            [Peer("bf16"), Peer("bf16", "--foreach"), Peer("fp32")])
        {
            Prepare = work.Prepare,
            FlopsPerUnit = flopsPerToken,
        };
    }
}
