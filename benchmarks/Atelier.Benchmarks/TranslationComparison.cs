using System.Diagnostics;
using System.Globalization;
using System.IO.Compression;
using System.Text.Json;
using Atelier.Abstractions;
using Atelier.Exchange;
using Atelier.Generation;
using Atelier.Kernels;

namespace Atelier.Benchmarks;

/// <summary>
/// Translations a second at beam 5 in the managed runtime, beside PyTorch on the same weights, in Marian's files:
/// sentences of Multi30k, as many in a batch on both sides. Weights are random, with translations of a fixed length,
/// unless a folder with a trained model is named.
/// </summary>
/// <param name="Name">What it is called on the command line.</param>
/// <param name="Description">What is translated.</param>
/// <param name="Size">The shape of the network.</param>
internal sealed record TranslationComparison(string Name, string Description, RandomMarian.Shape Size)
{
    private const string Unit = "translations/s";
    private const int Beams = 5, Batch = 32, LongestTrained = 100;
    private const double Limit = 3;
    private static readonly WeightType[] Types = [WeightType.F32, WeightType.BF16, WeightType.Q8_0];

    public static readonly TranslationComparison[] All =
    [
        new("translate", "translations a second at beam 5 by 4 + 4 layers of 128; PyTorch on the same weights",
            new(4, 128, 4, 256)),
        new("translate-base", "the same by 6 + 6 layers of 512", new(6, 512, 8, 2048)),
    ];

    /// <summary>Alternates the sides and prints each round, then one JSON line.</summary>
    /// <param name="name">The name of the comparison.</param>
    /// <param name="rounds">Number of rounds.</param>
    /// <param name="trained">A folder with a trained model in Marian's files; null for random weights.</param>
    public static void Run(string name, int rounds, string? trained)
    {
        TranslationComparison comparison = All.Single(c => c.Name == name);
        string folder = trained ?? RandomMarian.Folder(comparison.Size);
        int longest = trained is null ? RandomMarian.Length : LongestTrained;
        SequenceToSequenceGenerator[] ours = [.. Types.Select(type => SequenceToSequenceFile.Open(folder, type))];
        string[] sources = Read(comparison.Size.Layers == 4 ? 320 : 96);
        string file = Path.Combine(Path.GetTempPath(), $"atelier-sources-{Environment.UserName}.txt"),
            answers = Path.ChangeExtension(file, ".out");
        File.WriteAllLines(file, sources.Select(text => string.Join(' ', ours[0].EncodeSource(text)[..^1])));
        List<double>[] values = [.. Types.Select(_ => new List<double>())];
        var peers = new List<double>();
        for (int round = 0; round <= rounds; round++) // round 0 warms up
        {
            IReadOnlyList<TextSample>[] samples = new IReadOnlyList<TextSample>[Types.Length];
            for (int i = 0; i < Types.Length; i++)
                values[i].Add(Time(ours[i], sources, longest, out samples[i]));
            Measurement peer = Comparison.MeasurePeer(["translate.py", "--model", folder, "--sources", file, "--out",
                answers, "--threads", $"{Environment.ProcessorCount}", "--beam", $"{Beams}", "--batch", $"{Batch}",
                "--longest", $"{longest}", "--early"]);
            peers.Add(peer.Value);
            string told = string.Join(", ", Types.Select((type, i) =>
                Told(type, values[i][^1], samples[i], answers)));
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"round {round}: ours {told}; peer {peer.Value:N1} {Unit}, loss {peer.Loss:F4}"));
            if (round == 0)
                values.Append(peers).ToList().ForEach(list => list.Clear());
        }
        int best = Comparison.Best(values);
        (double low, double high) = Comparison.Spread([.. values[0]], [.. peers]);
        (double bestLow, double bestHigh) = Comparison.Spread([.. values[best]], [.. peers]);
        double value = Comparison.Median(peers);
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            name, ours = Comparison.Median(values[0]), peer = value, ratio = Comparison.Median(values[0]) / value, low,
            high, unit = Unit, limit = Limit, bestType = $"{Types[best]}", best = Comparison.Median(values[best]),
            bestRatio = Comparison.Median(values[best]) / value, bestLow, bestHigh,
        }));
        foreach (SequenceToSequenceGenerator generator in ours)
            generator.Dispose();
    }

    private static string[] Read(int count)
    {
        using var lines = new StreamReader(new GZipStream(
            File.OpenRead(BenchmarkData.Find("multi30k", "val.lc.norm.tok.en.gz")), CompressionMode.Decompress));
        return [.. Enumerable.Range(0, count).Select(_ => lines.ReadLine()!)];
    }

    /// <summary>The speed of a type, the loss of its translations, and the share that is the peer's.</summary>
    private static string Told(WeightType type, double value, IReadOnlyList<TextSample> samples, string answers)
    {
        double loss = -samples.Sum(sample => sample.LogProbability ?? 0) / samples.Sum(sample => sample.Tokens.Count);
        double same = samples.Zip(File.ReadLines(answers)).Average(pair =>
            pair.Second == string.Join(' ', pair.First.Tokens.Select(token => token.Id)) ? 1.0 : 0);
        return string.Create(CultureInfo.InvariantCulture,
            $"{type} {value:N1} (loss {loss:F4}, {same:P0} equal to the peer's)");
    }

    private static double Time(SequenceToSequenceGenerator generator, string[] sources, int longest,
        out IReadOnlyList<TextSample> samples)
    {
        Thread.Sleep(100); // until the other side's threads have stopped waiting for work
        var request = new GenerationRequest
        {
            Decoding = new()
            {
                BeamWidth = Beams, EarlyStopping = true, MaxTokens = longest, LengthPenalty = 1, Temperature = 0,
            },
        };
        generator.GenerateManyAsync(sources[..Batch], request, Batch).GetAwaiter().GetResult(); // as the peer warms up
        var watch = Stopwatch.StartNew();
        samples = generator.GenerateManyAsync(sources, request, Batch).GetAwaiter().GetResult();
        return sources.Length / watch.Elapsed.TotalSeconds;
    }
}
