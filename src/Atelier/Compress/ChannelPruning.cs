using System.Text.Json.Nodes;
using Atelier.Formats;
using Atelier.Kernels;
using Atelier.Runs;
using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Compress;

/// <summary>
/// Removes the channels of feed-forward layers that matter least for the inputs that these have: those with the
/// smallest product of the norms of their weights and of their values over a text, the same number in each layer. The
/// weights of the remaining channels are those with the least squared change of the layer's results (Hassibi and Stork
/// 1993).
/// </summary>
internal static class ChannelPruning
{
    private const double Damping = 0.01; // of the mean of the diagonal, as in calibrated rounding

    // The names of the second and of the first linear layers, and the keys of their width, in all layouts.
    private static readonly (string Down, string[] Ups)[] Layers =
    [
        ("mlp.c_proj.", ["mlp.c_fc."]), ("mlp.down_proj.", ["mlp.gate_proj.", "mlp.up_proj."]),
        ("feedForward.output.", ["feedForward.input."]),
    ];

    private static readonly string[] WidthKeys = ["n_inner", "intermediate_size", "feed_forward_size"];

    /// <summary>Writes the configuration and the weights with fewer channels.</summary>
    /// <param name="folder">The folder to write to.</param>
    /// <param name="bundle">The bundle, whose weights are not quantised.</param>
    /// <param name="share">The share of the channels of each layer to remove. The rest is a multiple of 32.</param>
    /// <param name="moments">The inputs of layers.</param>
    /// <param name="cancellation">Cancels before the next tensor.</param>
    /// <exception cref="AtelierException">The layers are too narrow, or none is known.</exception>
    public static void Write(string folder, Bundle bundle, double share, InputMoments moments,
        CancellationToken cancellation)
    {
        using ModelWeights weights = ModelWeights.Open(bundle.Folder, ConfigFile.Read(bundle.ConfigPath));
        var kept = new Dictionary<string, (int[] Channels, int Width)>(StringComparer.Ordinal); // by layer
        var changed = new Dictionary<string, (float[] Values, long[] Shape)>(StringComparer.Ordinal);
        foreach (ModelTensor tensor in weights.Tensors)
        {
            if (Find(tensor.Name, isDown: true) is not { } layer || tensor.IsVector
                || moments.Find(tensor.Name) is not { } own)
                continue;
            cancellation.ThrowIfCancellationRequested();
            int width = (int)Math.Sqrt(own.Length), rows = (int)(tensor.ElementCount / width);
            int count = Count(width, share, bundle.Folder);
            float[] values = tensor.Read(TensorLayout.Gguf); // [rows, width]
            int[] channels = Best(values, width, own, count);
            kept.Add(layer, (channels, width));
            changed.Add(tensor.Name, InFile(tensor, Compensated(values, width, channels, own), rows, count));
        }
        if (kept.Count == 0)
            throw new AtelierException("the model has no feed-forward layers whose channels can be pruned",
                bundle.Folder, "use a gpt model");
        foreach (ModelTensor tensor in weights.Tensors)
        {
            if (Find(tensor.Name, isDown: false) is not { } layer)
                continue;
            (int[] channels, int width) = kept[layer];
            float[] values = tensor.Read(TensorLayout.Gguf); // [width, columns], or [2 · width, columns] with a gate
            int columns = tensor.IsVector ? 1 : (int)tensor.Shape(TensorLayout.Gguf)[^1];
            int parts = values.Length / columns / width;
            float[] rows = [.. Enumerable.Range(0, parts).SelectMany(part => channels.SelectMany(channel =>
                new ArraySegment<float>(values, ((part * width) + channel) * columns, columns)))];
            changed.Add(tensor.Name, tensor.IsVector ? (rows, [rows.Length])
                : InFile(tensor, rows, parts * channels.Length, columns));
        }
        WriteWeights(Path.Combine(folder, SafetensorsFolder.FileName), weights, changed, cancellation);
        JsonObject config = JsonNode.Parse(File.ReadAllText(bundle.ConfigPath))!.AsObject();
        // GPT-2's may be left out
        string key = WidthKeys.FirstOrDefault(name => config.ContainsKey(name)) ?? WidthKeys[0];
        config[key] = kept.Values.First().Channels.Length;
        AtomicFile.WriteText(Path.Combine(folder, "config.json"), ConfigRecords.Write(config));
    }

    /// <summary>Returns the number of channels of each feed-forward layer of a pruned bundle.</summary>
    public static int WidthOf(Bundle bundle)
    {
        ConfigFile config = ConfigFile.Read(bundle.ConfigPath);
        return WidthKeys.Select(config.IntegerOrNull).OfType<int>().First();
    }

    /// <summary>
    /// Returns the prefix of a tensor's layer if it is one of the wanted linear layers; otherwise null.
    /// </summary>
    private static string? Find(string name, bool isDown)
    {
        foreach ((string down, string[] ups) in Layers)
        {
            foreach (string part in isDown ? [down] : ups)
            {
                int at = name.LastIndexOf(part, StringComparison.Ordinal);
                if (at >= 0)
                    return name[..at];
            }
        }
        return null;
    }

    private static int Count(int width, double share, string where)
    {
        int blocks = (int)Math.Round(width * (1 - share) / WeightTypes.BlockSize);
        return blocks >= 1 && blocks * WeightTypes.BlockSize < width
            ? blocks * WeightTypes.BlockSize
            : throw new AtelierException($"of {width} channels, this share leaves all or none in blocks of "
                + $"{WeightTypes.BlockSize}", where, $"set another share with {Mention.Field("prune")}");
    }

    /// <summary>Returns the channels to keep, in their order.</summary>
    private static int[] Best(float[] values, int width, double[] moments, int count)
    {
        double[] scores = new double[width];
        for (int i = 0; i < values.Length; i++)
            scores[i % width] += (double)values[i] * values[i];
        return [.. Enumerable.Range(0, width).OrderByDescending(i => scores[i] * moments[(i * width) + i])
            .Take(count).Order()];
    }

    /// <summary>
    /// Returns the weights W' of the kept channels K with the least |W x − W' x_K|² over the inputs: W' = W H_K (H_KK +
    /// λ 1)⁻¹, where H are the moments.
    /// </summary>
    private static float[] Compensated(float[] values, int width, int[] channels, double[] moments)
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        Tensor h = tensor(moments, [width, width]), w = tensor(values, [values.Length / width, width]).to(float64);
        Tensor kept = tensor(channels.Select(channel => (long)channel).ToArray());
        Tensor columns = h.index_select(1, kept), square = columns.index_select(0, kept);
        double mean = Enumerable.Range(0, width).Average(channel => moments[(channel * width) + channel]);
        Tensor damping = eye(channels.Length, dtype: float64).Times(Math.Max(Damping * mean, 1e-12));
        // damped towards the weights as they are, so that a channel that is always zero keeps its own
        Tensor own = w.index_select(1, kept);
        Tensor right = w.matmul(columns).Plus(own.matmul(damping));
        Tensor solved = linalg.solve(square.Plus(damping).t(), right.t()).t();
        return solved.to(float32).contiguous().data<float>().ToArray();
    }

    /// <summary>Returns a matrix [rows, columns] in the order and with the shape of its file.</summary>
    private static (float[] Values, long[] Shape) InFile(ModelTensor tensor, float[] values, int rows, int columns)
    {
        if (tensor.HasRows(TensorLayout.Gguf))
            return (values, [rows, columns]);
        float[] transposed = new float[values.Length];
        for (int i = 0; i < values.Length; i++)
            transposed[(i % columns * rows) + (i / columns)] = values[i];
        return (transposed, [columns, rows]);
    }

    private static void WriteWeights(string path, ModelWeights weights,
        Dictionary<string, (float[] Values, long[] Shape)> changed, CancellationToken cancellation) =>
        SafetensorsWriter.Write(path,
            [.. weights.Tensors.OrderBy(tensor => tensor.Name, StringComparer.Ordinal).Select(tensor =>
                new SafetensorsEntry(tensor.Name, SafetensorsType.F32, changed.TryGetValue(tensor.Name, out var entry)
                    ? entry.Shape : tensor.Shape(TensorLayout.HuggingFace)))],
            (entry, stream) =>
            {
                cancellation.ThrowIfCancellationRequested();
                float[] values = changed.TryGetValue(entry.Name, out var other) ? other.Values
                    : weights.Find(entry.Name)!.Read(TensorLayout.HuggingFace);
                stream.Write(System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(values));
            },
            new Dictionary<string, string> { ["format"] = "pt" }); // the transformers library refuses a file without it
}
