using System.Globalization;
using System.Text;
using Atelier.Formats;

namespace Atelier.Benchmarks;

/// <summary>Commands of every kind on small data of their own, and what they work on.</summary>
internal static class SignalWork
{
    private const string Endless = "training.steps=100000000";

    /// <summary>Each command and its arguments, in which NEW is a place that is not there yet.</summary>
    public static IReadOnlyList<(string Name, string[] Arguments)> Commands { get; } =
    [
        ("quickstart", ["quickstart", "--out", "NEW"]),
        ("train gpt", ["train", "--text", "novel.txt", "--set", Endless, "--out", "NEW"]),
        ("train gpt bpe",
            ["train", "--text", "novel.txt", "--set", "data.tokenizer.kind=bpe", "--set",
            "data.tokenizer.vocabularySize=4000", "--set", Endless, "--out", "NEW"]),
        ("train rnn", ["train", "--text", "novel.txt", "--model", "rnn", "--set", Endless, "--out", "NEW"]),
        ("train ngram", ["train", "--text", "novel.txt", "--model", "ngram", "--out", "NEW"]),
        ("train hmm",
            ["train", "--text", "novel.txt", "--model", "hmm", "--set", "model.stateCount=64", "--out", "NEW"]),
        ("train network", ["train", "--table", "table.csv", "--model", "bayesian-network", "--out", "NEW"]),
        ("train vae", ["train", "shapes-vae", "--set", Endless, "--out", "NEW"]),
        ("train diffusion", ["train", "shapes-diffusion", "--set", Endless, "--out", "NEW"]),
        ("find-learning-rate", ["find-learning-rate", "quickstart", "--out", "NEW.png"]),
        ("evaluate gpt", ["evaluate", "gpt"]),
        ("evaluate gpt against", ["evaluate", "gpt", "--against", "novel.txt"]),
        ("evaluate vae", ["evaluate", "vae"]),
        ("evaluate network", ["evaluate", "network"]),
        ("generate gpt", ["generate", "gpt", "--count", "100", "--max-tokens", "500"]),
        ("generate vae", ["generate", "vae", "--count", "512", "--out", "NEW.png"]),
        ("generate network", ["generate", "network", "--count", "20000", "--evidence", "c0=1"]),
        ("explain network", ["explain", "network"]),
        ("explain query", ["explain", "network", "--query", "c1", "--evidence", "c0=1"]),
        ("export", ["export", "gpt", "--to", "gguf", "--out", "NEW.gguf"]),
        ("import", ["import", "gpt.gguf", "--out", "NEW"]),
        ("compress", ["compress", "gpt", "--to", "q8", "--out", "NEW"]),
        ("data show", ["data", "show", "novel.txt"]),
        ("data clean", ["data", "clean", "novel.txt", "--step", "near-duplicates", "--out", "NEW.jsonl"]),
        ("data list", ["data", "list"]),
        ("recipes check", ["recipes", "check", "quickstart"]),
        ("runs list", ["runs", "list"]),
        ("doctor", ["doctor"]),
    ];

    /// <summary>Writes the data and trains what the commands work on.</summary>
    /// <param name="folder">Where to.</param>
    /// <param name="run">Runs a command there.</param>
    public static void Prepare(string folder, Action<string[]> run)
    {
        var random = new SplitMix64(1);
        var novel = new StringBuilder();
        for (int sentence = 0; sentence < 40_000; sentence++)
        {
            novel.Append(CultureInfo.InvariantCulture,
                $"{sentence} little boats of colour {random.Next(900)} went to harbour {random.Next(70)}, and "
                    + $"{random.Next(5000)} came home.");
            novel.Append(sentence % 10 == 9 ? "\n\n" : " ");
        }
        AtomicFile.WriteText(Path.Combine(folder, "novel.txt"), novel.ToString());
        const int columns = 16;
        var table = new StringBuilder(string.Join(',', Enumerable.Range(0, columns).Select(c => $"c{c}"))).Append('\n');
        for (int row = 0; row < 20_000; row++)
        {
            long last = 0;
            table.AppendJoin(',', Enumerable.Range(0, columns).Select(_ => last = (last + random.Next(3)) % 4))
                .Append('\n');
        }
        AtomicFile.WriteText(Path.Combine(folder, "table.csv"), table.ToString());
        run(["train", "--text", "novel.txt", "--set", "training.steps=20", "--set", "evaluation.samples=0", "--out",
            "gpt", "--quiet"]);
        run(["train", "shapes-vae", "--set", "training.steps=20", "--set", "evaluation.pictures=100", "--out", "vae",
            "--quiet"]);
        run(["train", "--table", "table.csv", "--model", "bayesian-network", "--out", "network", "--quiet"]);
        run(["export", "gpt", "--to", "gguf", "--out", "gpt.gguf"]);
    }
}
