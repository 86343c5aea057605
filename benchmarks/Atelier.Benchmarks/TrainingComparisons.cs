using System.Globalization;
using Atelier.Models.Bert;
using Atelier.Models.Gpt;
using Atelier.Models.Rnn;
using Atelier.Models.Transformer;
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
        Transformer("train-transformer", vocabulary: 10_000, layers: 4, heads: 4, width: 128, inner: 256, tokens: 4096,
            steps: 60),
        Bert("train-bert", vocabulary: 10_000, layers: 6, heads: 4, width: 256, context: 128, batch: 32, steps: 40),
    ];

    /// <summary>
    /// nanoGPT's own shape on Tiny Shakespeare by character: GPT-2's without biases, with the exact GELU.
    /// </summary>
    public static Comparison Gpt(string name, int layers, int heads, int width, int context, int batch, int steps)
    {
        var work = new TrainingWork(name, steps, TrainingWork.Shakespeare(new() { ByteFallback = false }),
            new ModelSection("gpt", new GptConfig
        {
            LayerCount = layers, HeadCount = heads, HiddenSize = width, ContextLength = context,
            Bias = false, Activation = ActivationName.Gelu,
        }), new TrainingSection { BatchSize = batch });
        return Comparison(work,
            $"train a GPT of {layers} layers, {heads} heads, {width} wide, context {context}, batch {batch}",
            GptFlops(layers, width, context),
            ["train_text.py", "gpt", "--vocabulary", "66", "--layers", $"{layers}", "--heads", $"{heads}", "--width",
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
            TrainingWork.Shakespeare(new() { Kind = TokenizerKind.Bpe, VocabularySize = vocabulary }),
            new ModelSection("rnn",
                new RnnConfig { Cell = CellName.Gru, EmbeddingSize = embedding, HiddenSize = width,
                ContextLength = context }), new TrainingSection { BatchSize = batch });
        return Comparison(work,
            $"train a GRU of {width} units, embedding {embedding}, vocabulary {vocabulary:N0}, {context} steps, "
                + $"batch {batch}", flops,
            ["train_text.py", "gru", "--vocabulary", $"{vocabulary}", "--embedding", $"{embedding}", "--width",
                "--context", $"{context}", "--batch", $"{batch}"]);
    }

    /// <summary>
    /// An encoder and a decoder on Multi30k from English to German, with the norm after each sum (Vaswani et al. 2017),
    /// in the shape of fairseq's transformer_tiny (Wu et al. 2021). The end of a text also starts and pads it.
    /// </summary>
    private static Comparison Transformer(string name, int vocabulary, int layers, int heads, int width, int inner,
        int tokens, int steps)
    {
        // each weight is met three times by each target token and by about as many source tokens
        double flops = 6.0 * width * ((layers * ((12.0 * width) + (4.0 * inner))) + vocabulary);
        int end = vocabulary - 1;
        var work = new TrainingWork(name, steps, new DataSection
        {
            Source = "multi30k", Pairs = new() { SourceLanguage = "en", TargetLanguage = "de" },
            Tokenizer = new() { Kind = TokenizerKind.Bpe, VocabularySize = vocabulary },
        }, new ModelSection("transformer", new TransformerConfig
        {
            EncoderLayerCount = layers, DecoderLayerCount = layers, HeadCount = heads, HiddenSize = width,
            FeedForwardSize = inner, Dropout = 0.3,
        }), new TrainingSection { BatchTokens = tokens, LabelSmoothing = 0.1 });
        return Comparison(work,
            $"train a Transformer of {layers} and {layers} layers, {heads} heads, {width} wide, {inner} within, "
                + $"vocabulary {vocabulary:N0}, batches of {tokens} tokens of either side with padding", flops,
            ["transformer.py", "--vocabulary", $"{vocabulary}", "--layers", $"{layers}", "--heads", $"{heads}",
                "--width", $"{width}", "--inner", $"{inner}", "--tokens", $"{tokens}", "--dropout", "0.3",
                "--smoothing", "0.1", "--pad", $"{end}", "--start", $"{end}", "--end", $"{end}"]);
    }

    /// <summary>A masked language model over WordPiece tokens of Tiny Shakespeare.</summary>
    private static Comparison Bert(string name, int vocabulary, int layers, int heads, int width, int context,
        int batch, int steps)
    {
        const double rate = 5e-4, predicted = 0.15;
        double flops = GptFlops(layers, width, context) + (6.0 * predicted * width * (width + vocabulary));
        var work = new TrainingWork(name, steps,
            TrainingWork.Shakespeare(new() { Kind = TokenizerKind.WordPiece, VocabularySize = vocabulary }),
            new ModelSection("bert", new BertConfig
        {
            LayerCount = layers, HeadCount = heads, HiddenSize = width, ContextLength = context,
            MaskShare = predicted,
        }), new TrainingSection { BatchSize = batch, Optimizer = new() { LearningRate = rate } });
        return Comparison(work,
            $"train a BERT of {layers} layers, {heads} heads, {width} wide, vocabulary {vocabulary:N0}, context "
                + $"{context}, batch {batch}", flops,
            ["bert.py", "--vocabulary", $"{vocabulary}", "--layers", $"{layers}", "--heads", $"{heads}", "--width",
                $"{width}", "--context", $"{context}", "--batch", $"{batch}", "--share", Text(predicted), "--rate",
                Text(rate)]);

        static string Text(double number) => number.ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>Ours beside each way of a peer's script.</summary>
    /// <param name="work">What both do.</param>
    /// <param name="description">What is trained.</param>
    /// <param name="flopsPerToken">Floating-point operations of a token.</param>
    /// <param name="script">The name of the script with its arguments, without the steps, ids and precision.</param>
    private static Comparison Comparison(TrainingWork work, string description, double flopsPerToken, string[] script)
    {
        string[] Peer(params string[] precision) =>
            [.. script, "--steps", $"{work.Steps}", "--ids", work.IdsPath, "--precision", .. precision];
        return new(work.Name, $"{description}; {Peers}", "tokens/s", 1.5, work.Run,
            [Peer("bf16"), Peer("bf16", "--foreach"), Peer("fp32")])
        {
            Prepare = work.Prepare,
            FlopsPerUnit = flopsPerToken,
        };
    }
}
