using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Atelier.Decoders;
using Atelier.Decoding;
using Atelier.Formats;
using Atelier.Kernels;

namespace Atelier.Benchmarks;

/// <summary>
/// Reading and writing with a random Llama of 134 million weights, beside llama.cpp on the same GGUF file where
/// ATELIER_LLAMA_CPP names its folder, built in build/, and beside the bandwidth at which this machine reads memory.
/// </summary>
internal static class DecodingComparison
{
    private const int Vocabulary = 32_000, Hidden = 768, Inner = 2048, Layers = 12, Heads = 12, Tokens = 128, Prompt = 256, Streams = 16;

    public static readonly (string Name, string Description, WeightType Type, double Limit)[] All =
    [
        ("decode-f32", "decode one stream of a random Llama of 134 M weights; llama.cpp (ATELIER_LLAMA_CPP)", WeightType.F32, 1.3),
        ("decode-bf16", "the same in BF16", WeightType.BF16, 1.3),
        ("decode-q8", "the same in Q8_0", WeightType.Q8_0, 1.3),
        ("decode-q4", "the same in Q4_0", WeightType.Q4_0, 1.3),
        ("prefill", "read 256 tokens in Q4_0", WeightType.Q4_0, 1),
        ("decode-batch", "decode 16 streams in a batch in Q8_0", WeightType.Q8_0, 1),
    ];

    /// <summary>Alternates the sides and prints each round, then one JSON line.</summary>
    public static void Run(string name, int rounds)
    {
        (_, _, WeightType type, double limit) = All.Single(c => c.Name == name);
        string path = Path.Combine(Path.GetTempPath(), $"atelier-llama-134m-{Environment.UserName}-{type}.gguf");
        if (!File.Exists(path))
            Write(path, type);
        string? programs = Environment.GetEnvironmentVariable("ATELIER_LLAMA_CPP") is { } root ? Path.Combine(root, "build", "bin") : null;
        if (programs is null)
            Console.Error.WriteLine("ATELIER_LLAMA_CPP names no folder of llama.cpp: ours alone");
        GgufFile file = GgufFile.Open(path);
        using var shape = JsonDocument.Parse(GgufConfig.ToHuggingFace(file).ToJsonString());
        (DecoderConfig config, DecoderWeights weights) = DecoderWeightsFile.Take(new ConfigFile(path, shape.RootElement.Clone()), ModelWeights.FromGguf(file));
        using var decoder = new Decoder(config, weights);
        double bytes = weights.Products().Sum(p => (double)p.Weight.ByteCount); // the head is one of them: it is not tied
        var ours = new List<double>();
        var peers = new List<double>();
        var bandwidths = new List<double>();
        Ours(decoder, name); // to warm up
        for (int round = 1; round <= rounds; round++)
        {
            bandwidths.Add(Bandwidth());
            ours.Add(Ours(decoder, name));
            if (programs is not null)
                peers.Add(Peer(programs, path, name));
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"round {round} of {rounds}: ours {ours[^1]:N1} tokens/s, peer {(peers.Count > 0 ? peers[^1] : double.NaN):N1}, memory {bandwidths[^1] / 1e9:N1} GB/s"));
        }
        double[] ratios = [.. ours.Zip(peers, (a, b) => a / b).Order()];
        double our = Comparison.Median(ours);
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            name,
            ours = our,
            peer = peers.Count > 0 ? Comparison.Median(peers) : (double?)null,
            ratio = peers.Count > 0 ? our / Comparison.Median(peers) : (double?)null,
            low = ratios.Length > 0 ? ratios[0] : (double?)null,
            high = ratios.Length > 0 ? ratios[^1] : (double?)null,
            unit = "tokens/s",
            limit,
            oursLow = ours.Min(),
            oursHigh = ours.Max(),
            gigabytesPerSecond = Comparison.Median(bandwidths) / 1e9,
            shareOfBandwidth = name.StartsWith("decode", StringComparison.Ordinal)
                ? our / (name == "decode-batch" ? Streams : 1) * bytes / Comparison.Median(bandwidths) : (double?)null,
        }));
    }

    private static double Ours(Decoder decoder, string name)
    {
        int[] tokens = [.. Enumerable.Range(0, Prompt).Select(i => i * 31 % Vocabulary)];
        int streams = name == "decode-batch" ? Streams : 1;
        using IDecodingState state = decoder.CreateState(streams);
        float[] logits = new float[streams * Vocabulary];
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
            ? ["-m", model, "-c", "4096", "-t", threads, "-npp", "1", "-ntg", $"{Tokens}", "-npl", $"{Streams}", "--output-format", "jsonl"]
            : ["-m", model, "-t", threads, "-r", "1", "-o", "json", "-p", name == "prefill" ? $"{Prompt}" : "0", "-n", name == "prefill" ? "0" : $"{Tokens}"];
        var start = new ProcessStartInfo(Path.Combine(programs, isBatch ? "llama-batched-bench" : "llama-bench"), arguments) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        using Process process = Process.Start(start)!;
        process.ErrorDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new AtelierException($"ended with exit code {process.ExitCode}", start.FileName);
        using var result = JsonDocument.Parse(isBatch ? output.Split('\n').First(line => line.StartsWith('{')) : output);
        return isBatch ? result.RootElement.GetProperty("speed_tg").GetDouble() : result.RootElement[0].GetProperty("avg_ts").GetDouble();
    }

    /// <summary>Bytes a second that all processors read together from memory too large for their caches.</summary>
    private static double Bandwidth()
    {
        const int size = 256 << 20;
        ulong[][] memory = [.. Enumerable.Range(0, Environment.ProcessorCount).Select(_ => new ulong[size / sizeof(ulong)])];
        foreach (ulong[] part in memory)
            part.AsSpan().Fill(1);
        double best = 0;
        for (int i = 0; i < 3; i++)
        {
            var watch = Stopwatch.StartNew();
            Parallel.ForEach(memory, part => { if (part.AsSpan().Contains(2UL)) throw new InvalidOperationException("memory changed"); });
            best = Math.Max(best, (double)size * memory.Length / watch.Elapsed.TotalSeconds);
        }
        return best;
    }

    private static void Write(string path, WeightType type)
    {
        var metadata = new GgufMetadata("llama");
        foreach ((string key, long value) in ((string, long)[])
        [
            ("llama.block_count", Layers), ("llama.context_length", 2048), ("llama.embedding_length", Hidden), ("llama.feed_forward_length", Inner),
            ("llama.attention.head_count", Heads), ("llama.attention.head_count_kv", Heads), ("llama.rope.dimension_count", Hidden / Heads), ("llama.vocab_size", Vocabulary),
        ])
            metadata.Add(key, value);
        metadata.Add("llama.attention.layer_norm_rms_epsilon", 1e-5);
        metadata.Add("tokenizer.ggml.model", "no_vocab");
        var tensors = new List<GgufTensor> { new("token_embd.weight", type, [Vocabulary, Hidden]), new("output_norm.weight", WeightType.F32, [Hidden]), new("output.weight", type, [Vocabulary, Hidden]) };
        for (int layer = 0; layer < Layers; layer++)
        {
            foreach ((string name, long rows, long columns) in ((string, long, long)[])
            [
                ("attn_q", Hidden, Hidden), ("attn_k", Hidden, Hidden), ("attn_v", Hidden, Hidden), ("attn_output", Hidden, Hidden),
                ("ffn_gate", Inner, Hidden), ("ffn_up", Inner, Hidden), ("ffn_down", Hidden, Inner),
            ])
                tensors.Add(new($"blk.{layer}.{name}.weight", type, [rows, columns]));
            tensors.Add(new($"blk.{layer}.attn_norm.weight", WeightType.F32, [Hidden]));
            tensors.Add(new($"blk.{layer}.ffn_norm.weight", WeightType.F32, [Hidden]));
        }
        var random = new Random(1);
        GgufWriter.Write(path, metadata, tensors, (tensor, stream) =>
        {
            bool isNorm = tensor.Shape.Count == 1;
            float[] row = new float[tensor.Shape[^1]];
            byte[] bytes = new byte[(isNorm ? WeightType.F32 : type).RowBytes(row.Length)];
            for (long r = 0; r < (isNorm ? 1 : tensor.Shape[0]); r++)
            {
                for (int i = 0; i < row.Length; i++)
                    row[i] = isNorm ? 1 : (random.NextSingle() - 0.5f) * 0.07f;
                WeightConversion.Encode(isNorm ? WeightType.F32 : type, row, bytes);
                stream.Write(bytes);
            }
        });
    }
}
