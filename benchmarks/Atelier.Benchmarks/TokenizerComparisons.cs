using System.Diagnostics;
using Atelier.Tokenizers;

namespace Atelier.Benchmarks;

/// <summary>Byte pair encoding beside sentencepiece's, on the same text, both on all cores.</summary>
internal static class TokenizerComparisons
{
    private const int VocabularySize = 4096;
    private const int Repeats = 5;

    private static string TextFile => Path.Combine(Path.GetTempPath(), $"atelier-benchmark-{Environment.UserName}.txt");

    public static IEnumerable<Comparison> All =>
    [
        new("train-bpe", "learn a BPE vocabulary of 4,096 from Tiny Shakespeare and Chinese ci poems; sentencepiece",
            "bytes/s", 1,
            TrainBpe, [["sentencepiece_bpe.py", "train", TextFile]]) { Prepare = Prepare },
        new("tokenize", "tokenize the same text with that vocabulary; sentencepiece", "bytes/s", 1,
            Tokenize, [["sentencepiece_bpe.py", "encode", TextFile]]) { Prepare = Prepare },
    ];

    private static Measurement TrainBpe()
    {
        string[] lines = File.ReadAllLines(TextFile);
        return Time(() => BpeTokenizer.Train(lines, VocabularySize));
    }

    private static Measurement Tokenize()
    {
        string[] lines = File.ReadAllLines(TextFile);
        BpeTokenizer tokenizer = BpeTokenizer.Train(lines, VocabularySize);
        return Time(() => lines.AsParallel().AsOrdered().Select(tokenizer.Encode).Sum(ids => (long)ids.Length));
    }

    private static Measurement Time<T>(Func<T> work)
    {
        long bytes = new FileInfo(TextFile).Length;
        var seconds = new List<double>();
        for (int i = 0; i < Repeats; i++)
        {
            var watch = Stopwatch.StartNew();
            GC.KeepAlive(work());
            seconds.Add(watch.Elapsed.TotalSeconds);
        }
        return new Measurement(bytes / Comparison.Median(seconds), Comparison.PeakMiB());
    }

    /// <summary>Makes the text of both sides from the data folder.</summary>
    private static void Prepare()
    {
        if (File.Exists(TextFile))
            return;
        using var poems =
            System.Text.Json.JsonDocument.Parse(File.ReadAllBytes(BenchmarkData.Find("poetry-zh", "ci.song.0.json")));
        Formats.AtomicFile.WriteText(TextFile,
            File.ReadAllText(BenchmarkData.Find("tinyshakespeare", "input.txt")) + string.Join('\n',
            poems.RootElement.EnumerateArray().SelectMany(p => p.GetProperty("paragraphs").EnumerateArray())
                .Select(line => line.GetString())));
    }
}
