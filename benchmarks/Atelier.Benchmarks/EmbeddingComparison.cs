using System.Diagnostics;
using System.Globalization;
using System.IO.Compression;
using System.Text.Json;
using Atelier.Exchange;
using Atelier.Formats;
using Atelier.Kernels;
using Atelier.Networks;
using Atelier.Tokenizers;
using Microsoft.ML.OnnxRuntime;

namespace Atelier.Benchmarks;

/// <summary>
/// Sentences embedded a second by a published six-layer BERT, beside Microsoft.ML.OnnxRuntime on the same weights, as
/// our own export writes them: sentences of Multi30k, as token ids. Ours takes them as they come; the peer, who pads,
/// also takes them sorted by length, and its better way counts.
/// </summary>
internal static class EmbeddingComparison
{
    public const string Name = "embed";

    public const string Description =
        "sentences embedded a second by MiniLM at batch 1 and 32; Microsoft.ML.OnnxRuntime on the same weights";

    private const string Unit = "sentences/s";
    private const int Sentences = 320;
    private const double Limit = 1.2, Tolerance = 1e-4;
    private static readonly WeightType[] Types = [WeightType.F32, WeightType.BF16, WeightType.Q8_0];

    /// <summary>Alternates the sides and prints each round, then one JSON line for each batch size.</summary>
    public static void Run(int rounds)
    {
        string folder = Path.GetDirectoryName(BenchmarkData.Find("weights", "minilm", "config.json"))!;
        string onnx = Path.Combine(Path.GetTempPath(), $"atelier-benchmark-{Environment.UserName}.onnx");
        (EncoderConfig config, EncoderWeights weights) = EncoderWeightsFile.Open(folder);
        OnnxWriter.Write(onnx, config, weights);
        Encoder[] encoders = [.. Types.Select(type => new Encoder(config, weights.ConvertTo(type)))];
        using var settings = new SessionOptions
        {
            IntraOpNumThreads = Environment.ProcessorCount,
            GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_ALL,
        };
        using var session = new InferenceSession(onnx, settings);
        int[][] sentences = Read(folder);
        int[][] sorted = [.. sentences.OrderBy(ids => ids.Length)];
        Check(encoders[0], session, sentences[..32]);
        foreach (int batch in (int[])[1, 32])
        {
            List<double>[] ours = [.. Types.Select(_ => new List<double>())], peers = [[], []];
            for (int round = 0; round <= rounds; round++) // round 0 warms up
            {
                for (int i = 0; i < Types.Length; i++)
                    ours[i].Add(Time(sentences, batch, part => Ours(encoders[i], part)));
                peers[0].Add(Time(sentences, batch, part => Peer(session, part)));
                peers[1].Add(batch == 1 ? 0 : Time(sorted, batch, part => Peer(session, part)));
                if (round == 0)
                    ours.Concat(peers).ToList().ForEach(values => values.Clear());
                else
                    Tell(batch, round, ours, peers);
            }
            int best = Comparison.Best(ours), peer = Comparison.Best(peers);
            (double low, double high) = Comparison.Spread([.. ours[0]], [.. peers[peer]]);
            (double bestLow, double bestHigh) = Comparison.Spread([.. ours[best]], [.. peers[peer]]);
            double value = Comparison.Median(peers[peer]);
            Console.WriteLine(JsonSerializer.Serialize(new
            {
                name = $"{Name}-{batch}", ours = Comparison.Median(ours[0]), peer = value,
                ratio = Comparison.Median(ours[0]) / value, low, high, unit = Unit, limit = Limit,
                bestType = $"{Types[best]}", best = Comparison.Median(ours[best]),
                bestRatio = Comparison.Median(ours[best]) / value, bestLow, bestHigh, peerSorts = peer == 1,
            }));
        }
        foreach (Encoder encoder in encoders)
            encoder.Dispose();
        File.Delete(onnx);
    }

    private static int[][] Read(string folder)
    {
        using var lines = new StreamReader(new GZipStream(
            File.OpenRead(BenchmarkData.Find("multi30k", "val.lc.norm.tok.en.gz")), CompressionMode.Decompress));
        var tokenizer = WordPieceTokenizer.FromVocabulary(Path.Combine(folder, "vocab.txt"));
        return [.. Enumerable.Range(0, Sentences)
            .Select(_ => tokenizer.EncodeWithSpecials(lines.ReadLine()!).Ids.ToArray())];
    }

    private static void Tell(int batch, int round, List<double>[] ours, List<double>[] peers)
    {
        string own = string.Join(", ", Types.Select((type, i) => FormattableString.Invariant(
            $"{type} {ours[i][^1]:N0}")));
        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"batch {batch}, round {round}: ours {own}; peer {peers[0][^1]:N0}, sorted {peers[1][^1]:N0} {Unit}"));
    }

    private static void Check(Encoder encoder, InferenceSession session, int[][] sentences)
    {
        double worst = Ours(encoder, sentences).Zip(Peer(session, sentences))
            .Max(pair => pair.First.Zip(pair.Second, (a, b) => Math.Abs((double)a - b)).Max());
        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"largest difference of an element of a vector: {worst:E1}"));
        if (worst > Tolerance)
            throw new AtelierException("the two sides do not compute the same vectors");
    }

    private static double Time(int[][] sentences, int batch, Action<int[][]> embed)
    {
        Thread.Sleep(100); // until the other side's threads have stopped waiting for work
        var watch = Stopwatch.StartNew();
        foreach (int[][] part in sentences.Chunk(batch))
            embed(part);
        return sentences.Length / watch.Elapsed.TotalSeconds;
    }

    private static IReadOnlyList<float[]> Ours(Encoder encoder, int[][] sentences) =>
        encoder.Embed([.. sentences.Select(ids => new EncoderInput(ids))]);

    private static float[][] Peer(InferenceSession session, int[][] sentences)
    {
        int length = sentences.Max(ids => ids.Length);
        long[] ids = new long[sentences.Length * length], mask = new long[ids.Length], types = new long[ids.Length];
        for (int i = 0; i < sentences.Length; i++)
        {
            for (int t = 0; t < sentences[i].Length; t++)
                (ids[i * length + t], mask[i * length + t]) = (sentences[i][t], 1);
        }
        long[] shape = [sentences.Length, length];
        using OrtValue one = OrtValue.CreateTensorValueFromMemory(ids, shape),
            two = OrtValue.CreateTensorValueFromMemory(mask, shape),
            three = OrtValue.CreateTensorValueFromMemory(types, shape);
        using var options = new RunOptions();
        using IDisposableReadOnlyCollection<OrtValue> results = session.Run(options,
            ["input_ids", "attention_mask", "token_type_ids"], [one, two, three], ["sentence_embedding"]);
        ReadOnlySpan<float> vectors = results[0].GetTensorDataAsSpan<float>();
        int hidden = vectors.Length / sentences.Length;
        float[][] read = new float[sentences.Length][];
        for (int i = 0; i < read.Length; i++)
            read[i] = vectors.Slice(i * hidden, hidden).ToArray();
        return read;
    }
}
