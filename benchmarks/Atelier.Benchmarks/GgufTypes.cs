using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Atelier.Abstractions;
using Atelier.Kernels;
using Atelier.Networks;

namespace Atelier.Benchmarks;

/// <summary>
/// A random Llama of 134 million weights in every type of GGUF that Atelier reads, quantised by llama.cpp: the
/// difference of the logits, and decoding by turns. The peer is llama.cpp in the package LLamaSharp.Backend.Cpu.
/// </summary>
internal static class GgufTypes
{
    public const string Name = "gguf-types", Description =
        "logits and decoding of a random Llama of 134 M weights in every type of GGUF; LLamaSharp [ROUNDS] [TYPE...]";

    private const int LogitTokens = 32, SpeedTokens = 96;

    private static readonly string[] All =
    [
        "F32", "F16", "BF16", "Q8_0", "Q6_K", "Q5_K_M", "Q5_1", "Q5_0", "Q4_K_M", "Q4_1", "Q4_0", "IQ4_NL", "IQ4_XS",
        "Q3_K_M", "Q2_K",
    ];

    /// <summary>Measures the types and prints a line of JSON for each.</summary>
    /// <param name="rounds">Rounds of decoding, at least 1.</param>
    /// <param name="types">Names of types; empty for all.</param>
    public static void Run(int rounds, string[] types)
    {
        using var source = new RandomLlama(WeightType.F32);
        foreach (string type in types.Length > 0 ? types : All)
        {
            string path = Quantised(source.Path, type);
            using var model = new RandomLlama(path);
            (double worst, double mean) = LogitDifference(model.Decoder, path);
            var ours = new List<double>();
            var peer = new List<double>();
            for (int round = 0; round < rounds; round++)
            {
                ours.Add(Speed(model.Decoder));
                peer.Add(double.Parse(Peer("decode", path, $"{Environment.ProcessorCount}", $"{SpeedTokens}"),
                    CultureInfo.InvariantCulture));
            }
            (double low, double high) = Comparison.Spread([.. ours], [.. peer]);
            Console.WriteLine(JsonSerializer.Serialize(new
            {
                name = Name, type, fileMiB = new FileInfo(path).Length >> 20, memoryMiB = (long)model.Bytes >> 20,
                worstLogit = worst, meanLogit = mean,
                ours = Comparison.Median(ours), peer = Comparison.Median(peer),
                ratio = Comparison.Median(ours) / Comparison.Median(peer), low, high, unit = "tokens/s",
            }));
        }
    }

    private static string Quantised(string source, string type)
    {
        if (type == "F32")
            return source;
        string path = Path.ChangeExtension(source, $".llama-cpp-{type}.gguf");
        if (!File.Exists(path))
        {
            Peer("quantize", source, path + ".partial", type);
            File.Move(path + ".partial", path);
        }
        return path;
    }

    /// <summary>The largest difference and the root mean square, in standard deviations of the logits.</summary>
    private static (double Worst, double Mean) LogitDifference(Decoder decoder, string path)
    {
        int[] tokens = [.. Enumerable.Range(1, LogitTokens).Select(i => i * 997 % RandomLlama.Vocabulary)];
        string file = Path.GetTempFileName();
        Peer(["logits", path, file, .. tokens.Select(token => $"{token}")]);
        ReadOnlySpan<float> theirs = MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(file));
        File.Delete(file);
        float[] logits = new float[RandomLlama.Vocabulary];
        using IDecodingState state = decoder.CreateState(1);
        double worst = 0, differences = 0, squares = 0;
        for (int i = 0; i < tokens.Length; i++)
        {
            state.Append(tokens.AsSpan(i, 1), logits);
            for (int v = 0; v < logits.Length; v++)
            {
                double their = theirs[(i * logits.Length) + v], difference = logits[v] - their;
                worst = Math.Max(worst, Math.Abs(difference));
                differences += difference * difference;
                squares += their * their; // their mean is nearly 0
            }
        }
        return (worst / Math.Sqrt(squares / theirs.Length), Math.Sqrt(differences / squares));
    }

    private static double Speed(Decoder decoder)
    {
        float[] logits = new float[RandomLlama.Vocabulary];
        const int warmUp = 8;
        using IDecodingState state = decoder.CreateState(1);
        for (int i = 0; i < warmUp; i++)
            state.Append([i * 31 % RandomLlama.Vocabulary], logits);
        var watch = Stopwatch.StartNew();
        for (int i = 0; i < SpeedTokens; i++)
            state.Append([i * 31 % RandomLlama.Vocabulary], logits);
        return SpeedTokens / watch.Elapsed.TotalSeconds;
    }

    private static string Peer(params string[] arguments)
    {
        string program = Environment.GetEnvironmentVariable("ATELIER_LLAMASHARP")
            ?? throw new AtelierException($"{Name} needs its peer", hint: "start it with benchmarks/run");
        var start = new ProcessStartInfo("dotnet", [program, .. arguments])
        {
            RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false,
        };
        using Process process = Process.Start(start)!;
        string errors = "";
        process.ErrorDataReceived += (_, line) => errors = line.Data ?? errors; // the last line
        process.BeginErrorReadLine();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output.Trim()
            : throw new AtelierException($"ended with exit code {process.ExitCode}: {errors}", "LLamaSharp");
    }
}
