using System.Diagnostics;
using Atelier.Tokenizers;

namespace Atelier.Benchmarks;

/// <summary>Byte pair encoding beside sentencepiece's, on the same text, both on all cores.</summary>
internal static class TokenizerComparisons
{
    private const int VocabularySize = 4096;
    private const int Repeats = 5;

    public static IEnumerable<Comparison> All =>
    [
        new("train-bpe", "learn a BPE vocabulary of 4,096 from Tiny Shakespeare and Chinese ci poems; sentencepiece", "bytes/s", 1,
            TrainBpe, [["sentencepiece_bpe.py", "train", TextFile()]]),
        new("tokenize", "tokenize the same text with that vocabulary; sentencepiece", "bytes/s", 1,
            Tokenize, [["sentencepiece_bpe.py", "encode", TextFile()]]),
    ];

    private static Measurement TrainBpe()
    {
        string[] lines = File.ReadAllLines(TextFile());
        return Time(() => BpeTokenizer.Train(lines, VocabularySize));
    }

    private static Measurement Tokenize()
    {
        string[] lines = File.ReadAllLines(TextFile());
        BpeTokenizer tokenizer = BpeTokenizer.Train(lines, VocabularySize);
        return Time(() => lines.AsParallel().AsOrdered().Select(tokenizer.Encode).Sum(ids => (long)ids.Length));
    }

    private static Measurement Time<T>(Func<T> work)
    {
        long bytes = new FileInfo(TextFile()).Length;
        var seconds = new List<double>();
        for (int i = 0; i < Repeats; i++)
        {
            var watch = Stopwatch.StartNew();
            GC.KeepAlive(work());
            seconds.Add(watch.Elapsed.TotalSeconds);
        }
        return new Measurement(bytes / Comparison.Median(seconds), Comparison.PeakMiB());
    }

    /// <summary>The text of both sides, made once a run from the data folder.</summary>
    private static string TextFile()
    {
        string data = Environment.GetEnvironmentVariable("ATELIER_DATA")
            ?? throw new AtelierException("ATELIER_DATA is not set", hint: "name the folder that holds tinyshakespeare and poetry-zh");
        string path = Path.Combine(Path.GetTempPath(), $"atelier-benchmark-{Environment.UserName}.txt");
        if (!File.Exists(path))
        {
            using var poems = System.Text.Json.JsonDocument.Parse(File.ReadAllBytes(Path.Combine(data, "poetry-zh", "ci.song.0.json")));
            Formats.AtomicFile.WriteText(path, File.ReadAllText(Path.Combine(data, "tinyshakespeare", "input.txt")) + string.Join('\n',
                poems.RootElement.EnumerateArray().SelectMany(p => p.GetProperty("paragraphs").EnumerateArray()).Select(line => line.GetString())));
        }
        return path;
    }
}
