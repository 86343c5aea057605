using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Atelier.Abstractions;
using Atelier.Kernels;
using Atelier.Networks;

namespace Atelier.Benchmarks;

/// <summary>
/// Reading and writing with a random Llama of 134 million weights, beside llama.cpp on the same GGUF file where
/// ATELIER_LLAMA_CPP names its folder, built in build/, and beside the bandwidth at which this machine reads memory.
/// </summary>
internal static class DecodingComparison
{
    private const int Tokens = 128, Prompt = 256, Streams = 16;

    public static readonly (string Name, string Description, WeightType[] Types, double Limit)[] All =
    [
        ("decode-f32", "decode one stream of a random Llama of 134 M weights; llama.cpp (ATELIER_LLAMA_CPP)",
            [WeightType.F32], 1.3),
        ("decode-bf16", "the same in BF16", [WeightType.BF16], 1.3),
        ("decode-q8", "the same in Q8_0", [WeightType.Q8_0], 1.3),
        ("decode-q4", "the same in Q4_0", [WeightType.Q4_0], 1.3),
        ("prefill", "read 256 tokens, each side in whichever type is its fastest",
            [WeightType.F32, WeightType.BF16, WeightType.Q8_0, WeightType.Q4_0], 1),
        ("decode-batch", "decode 16 streams in a batch in Q8_0", [WeightType.Q8_0], 1),
    ];

    /// <summary>Alternates the sides and prints each round, then one JSON line.</summary>
    public static void Run(string name, int rounds)
    {
        (_, _, WeightType[] types, double limit) = All.Single(c => c.Name == name);
        string? programs = Environment.GetEnvironmentVariable("ATELIER_LLAMA_CPP") is { } root
            ? Path.Combine(root, "build", "bin") : null;
        if (programs is null)
            Console.Error.WriteLine("ATELIER_LLAMA_CPP names no folder of llama.cpp: ours alone");
        RandomLlama[] models = [.. types.Select(type => new RandomLlama(type))];
        List<double>[] ours = [.. types.Select(_ => new List<double>())],
            peers = [.. types.Select(_ => new List<double>())];
        var bandwidths = new List<double>();
        foreach (RandomLlama model in models)
            Ours(model.Decoder, name); // to warm up
        for (int round = 1; round <= rounds; round++)
        {
            bandwidths.Add(Bandwidth());
            for (int i = 0; i < types.Length; i++)
            {
                if (Comparison.IsWorthMeasuring(i, ours))
                    ours[i].Add(Ours(models[i].Decoder, name));
                if (programs is not null && Comparison.IsWorthMeasuring(i, peers))
                    peers[i].Add(Peer(programs, models[i].Path, name));
            }
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"round {round} of {rounds}: ours {Told(types, ours)}; peer {Told(types, peers)} tokens/s; memory "
                    + $"{bandwidths[^1] / 1e9:N1} GB/s"));
        }
        int our = Comparison.Best(ours);
        int? peer = programs is null ? null : Comparison.Best(peers);
        double value = Comparison.Median(ours[our]), bandwidth = Comparison.Median(bandwidths);
        double? peerValue = peer is int p ? Comparison.Median(peers[p]) : null;
        (double Low, double High)? spread = peer is int q ? Comparison.Spread([.. ours[our]], [.. peers[q]]) : null;
        double? perToken = name.StartsWith("decode", StringComparison.Ordinal)
            ? models[our].Bytes / (name == "decode-batch" ? Streams : 1) / bandwidth : null;
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            name, ours = value, peer = peerValue, ratio = value / peerValue, low = spread?.Low, high = spread?.High,
                unit = "tokens/s", limit,
            oursType = $"{types[our]}", peerType = peer is int t ? $"{types[t]}" : null,
            gigabytesPerSecond = bandwidth / 1e9, oursShareOfBandwidth = value * perToken,
                peerShareOfBandwidth = peerValue * perToken,
        }));
        foreach (RandomLlama model in models)
            model.Dispose();
    }

    /// <summary>The last figure of each type.</summary>
    private static string Told(WeightType[] types, List<double>[] values) =>
        string.Join(", ",
            types.Select((type, i) =>
            values[i].Count > 0 ? string.Create(CultureInfo.InvariantCulture, $"{type} {values[i][^1]:N1}")
            : $"{type} none"));

    private static double Ours(Decoder decoder, string name)
    {
        int[] tokens = [.. Enumerable.Range(0, Prompt).Select(i => i * 31 % RandomLlama.Vocabulary)];
        int streams = name == "decode-batch" ? Streams : 1;
        using IDecodingState state = decoder.CreateState(streams);
        float[] logits = new float[streams * RandomLlama.Vocabulary];
        var watch = Stopwatch.StartNew();
        if (name == "prefill")
        {
            state.Append(tokens, logits);
            return Prompt / watch.Elapsed.TotalSeconds;
        }
        for (int t = 0; t < Tokens; t++)
            state.Append(tokens.AsSpan(t, streams), logits);
        return (double)streams * Tokens / watch.Elapsed.TotalSeconds;
    }

    /// <summary>llama.cpp's own timing of the same work, tokens a second.</summary>
    private static double Peer(string programs, string model, string name)
    {
        string threads = $"{Environment.ProcessorCount}";
        bool isBatch = name == "decode-batch";
        string[] arguments = isBatch
            ? ["-m", model, "-c", "4096", "-t", threads, "-npp", "1", "-ntg", $"{Tokens}", "-npl", $"{Streams}",
                "--output-format", "jsonl"]
            : ["-m", model, "-t", threads, "-r", "1", "-o", "json", "-p", name == "prefill" ? $"{Prompt}"
                : "0", "-n", name == "prefill" ? "0" : $"{Tokens}"];
        var start = new ProcessStartInfo(Path.Combine(programs, isBatch ? "llama-batched-bench" : "llama-bench"),
            arguments) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        using Process process = Process.Start(start)!;
        process.ErrorDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new AtelierException($"ended with exit code {process.ExitCode}", start.FileName);
        using var result =
            JsonDocument.Parse(isBatch ? output.Split('\n').First(line => line.StartsWith('{')) : output);
        return isBatch ? result.RootElement.GetProperty("speed_tg").GetDouble()
            : result.RootElement[0].GetProperty("avg_ts").GetDouble();
    }

    /// <summary>Bytes a second that all processors read together from memory too large for their caches.</summary>
    private static double Bandwidth()
    {
        const int size = 256 << 20;
        ulong[][] memory =
            [.. Enumerable.Range(0, Environment.ProcessorCount).Select(_ => new ulong[size / sizeof(ulong)])];
        foreach (ulong[] part in memory)
            part.AsSpan().Fill(1);
        double best = 0;
        for (int i = 0; i < 3; i++)
        {
            var watch = Stopwatch.StartNew();
            Parallel.ForEach(memory,
                part => { if (part.AsSpan().Contains(2UL)) throw new InvalidOperationException("memory changed"); });
            best = Math.Max(best, (double)size * memory.Length / watch.Elapsed.TotalSeconds);
        }
        return best;
    }
}
