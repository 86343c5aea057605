using Atelier.Formats;
using Atelier.Kernels;
using Atelier.Networks;
using Atelier.Tokenizers;

namespace Atelier.Exchange;

/// <summary>Writes a model's weights and its other files in the formats of other systems.</summary>
public static class ModelWriter
{
    private const int ElementsAtOnce = 1 << 18;

    /// <summary>Writes weights in the format of Hugging Face's tools.</summary>
    /// <param name="path">The file.</param>
    /// <param name="weights">The weights.</param>
    /// <param name="type">F32, F16 or BF16; null keeps each tensor's, F32 for one in blocks.</param>
    /// <param name="cancellation">Cancels before the next tensor; an existing file stays.</param>
    /// <exception cref="AtelierException">The type is not supported, or the file cannot be written.</exception>
    public static void WriteSafetensors(string path, ModelWeights weights, WeightType? type = null,
        CancellationToken cancellation = default)
    {
        if (type?.IsBlocked() == true)
            throw new AtelierException($"Hugging Face files do not support {type}", path,
                "allowed: f32, f16 and bf16");
        (SafetensorsEntry Entry, ModelTensor Tensor, WeightType Type)[] parts =
            [.. weights.Tensors.OrderBy(t => t.Name, StringComparer.Ordinal).Select(tensor =>
        {
            WeightType target = type
                ?? (tensor.Type is WeightType.F16 or WeightType.BF16 ? tensor.Type : WeightType.F32);
            SafetensorsType named = target switch { WeightType.F16 => SafetensorsType.F16,
                WeightType.BF16 => SafetensorsType.BF16, _ => SafetensorsType.F32 };
            return (new SafetensorsEntry(tensor.Name, named, tensor.Shape(TensorLayout.HuggingFace)), tensor, target);
        })];
        Dictionary<string, (ModelTensor Tensor, WeightType Type)> byName =
            parts.ToDictionary(p => p.Entry.Name, p => (p.Tensor, p.Type));
        SafetensorsWriter.Write(path, [.. parts.Select(p => p.Entry)],
            (entry, stream) =>
            {
                cancellation.ThrowIfCancellationRequested();
                Write(stream, byName[entry.Name].Tensor, TensorLayout.HuggingFace, byName[entry.Name].Type);
            },
            new Dictionary<string, string> { ["format"] = "pt" }); // transformers refuses a file without it
    }

    /// <summary>Writes a model into one GGUF file that llama.cpp runs.</summary>
    /// <param name="path">The file.</param>
    /// <param name="weights">The weights.</param>
    /// <param name="config">The model's config.json: of GPT-2's or Llama's shape.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="bounds">The tokens with which a text begins and ends.</param>
    /// <param name="type">The type of the products' weights; null keeps each one's. Norms and biases are F32.</param>
    /// <param name="chatTemplate">The model's chat template, or null.</param>
    /// <param name="cancellation">Cancels before the next tensor; an existing file stays.</param>
    /// <exception cref="AtelierException">GGUF cannot represent the shape or the tokenizer, or the file cannot be
    /// written.</exception>
    public static void WriteGguf(string path, ModelWeights weights, ConfigFile config, Tokenizer tokenizer,
        TextBounds bounds, WeightType? type = null, string? chatTemplate = null,
            CancellationToken cancellation = default)
    {
        string architecture = config.ModelType;
        if (!GgufNames.Knows(architecture))
            throw new AtelierException($"GGUF does not support models of type '{architecture}'", config.Path,
                "supported are GPT-2's and Llama's: see docs/formats.md");
        GgufMetadata metadata = Metadata(architecture);
        GgufConfig.Write(metadata, config);
        GgufTokenizer.Write(metadata, tokenizer, bounds);
        GgufTokenizer.WriteChatTemplate(metadata, chatTemplate);
        WriteGguf(path, metadata, weights, type, [.. RopeFactors(weights, config)], cancellation);
    }

    /// <summary>
    /// Writes quantised weights for a bundle: in llama.cpp's layout if it supports the shape, otherwise under their own
    /// names with the architecture "atelier", which only Atelier reads.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="weights">The weights.</param>
    /// <param name="config">The model's config.json.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="bounds">The tokens with which a text begins and ends.</param>
    /// <param name="type">Q8_0 or Q4_0.</param>
    /// <param name="cancellation">Cancels before the next tensor; an existing file stays.</param>
    /// <exception cref="AtelierException">The file cannot be written.</exception>
    public static void WriteBlocks(string path, ModelWeights weights, ConfigFile config, Tokenizer tokenizer,
        TextBounds bounds, WeightType type, CancellationToken cancellation = default)
    {
        if (GgufNames.Knows(config.ModelType) && GgufTokenizer.CanSay(tokenizer, bounds))
            WriteGguf(path, weights, config, tokenizer, bounds, type, null, cancellation);
        else
            WriteGguf(path, Metadata(GgufNames.Own), weights, type, [], cancellation);
    }

    private static GgufMetadata Metadata(string architecture)
    {
        var metadata = new GgufMetadata(architecture);
        metadata.Add("general.quantization_version", 2L);
        return metadata;
    }

    private static void WriteGguf(string path, GgufMetadata metadata, ModelWeights weights, WeightType? type,
        float[] factors, CancellationToken cancellation)
    {
        TensorLayout layout = GgufNames.LayoutOf(metadata.Architecture);
        var parts = new Dictionary<string, (GgufTensor Target, ModelTensor Source)>();
        foreach (ModelTensor tensor in weights.Tensors)
        {
            (string name, _) = GgufNames.ToGguf(metadata.Architecture, tensor.Name)
                ?? throw new AtelierException(
                    $"the tensor {tensor.Name} has no place in a model of type '{metadata.Architecture}'", weights.Path,
                    "download or export the model again");
            IReadOnlyList<long> shape = tensor.Shape(layout);
            parts.Add(name, (new GgufTensor(name, TypeFor(name, shape, type ?? tensor.Type), shape), tensor));
        }
        List<GgufTensor> targets = [.. parts.Values.Select(p => p.Target)];
        metadata.Add("general.file_type", FileType(MainType(targets)));
        if (factors.Length > 0)
            targets.Add(new GgufTensor(GgufNames.RopeFactors, WeightType.F32, [factors.Length]));
        GgufWriter.Write(path, metadata, targets, (target, stream) =>
        {
            cancellation.ThrowIfCancellationRequested();
            if (parts.TryGetValue(target.Name, out (GgufTensor Target, ModelTensor Source) part))
                Write(stream, part.Source, layout, target.Type);
            else
                stream.Write(System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(factors));
        });
    }

    /// <summary>
    /// The type of a tensor: vectors and positions, which are added, stay F32; embeddings and head, where errors have
    /// most effect, have 8 bits where others have 4; rows whose length is no multiple of 32 are F16.
    /// </summary>
    private static WeightType TypeFor(string name, IReadOnlyList<long> shape, WeightType type)
    {
        if (shape.Count < 2 || name is "position_embd.weight" or "positions.weight")
            return WeightType.F32;
        if (!type.IsBlocked())
            return type;
        if (shape[^1] % WeightTypes.BlockSize != 0)
            return WeightType.F16;
        return name is "token_embd.weight" or "output.weight" or "tokens.weight" or "head.weight" ? WeightType.Q8_0
            : type;
    }

    /// <summary>The smallest type among the matrices, which the file states as its main type.</summary>
    private static WeightType MainType(List<GgufTensor> tensors) =>
        tensors.Where(t => t.Shape.Count > 1).Select(t => t.Type).DefaultIfEmpty(WeightType.F32)
            .MinBy(t => t.RowBytes(WeightTypes.BlockSize));

    /// <summary>llama.cpp's numbers of a file's main type (LLAMA_FTYPE).</summary>
    private static long FileType(WeightType type) => type switch
    {
        WeightType.F16 => 1,
        WeightType.Q4_0 => 2,
        WeightType.Q8_0 => 7,
        WeightType.BF16 => 32,
        _ => 0,
    };

    /// <summary>
    /// The divisors of the frequencies in Llama 3's scaling, which llama.cpp reads from a tensor; empty for other
    /// scalings.
    /// </summary>
    private static IReadOnlyList<float> RopeFactors(ModelWeights weights, ConfigFile config)
    {
        if (weights.RopeFactors is not null)
            return weights.RopeFactors;
        if (config.ModelType != GgufNames.Llama || DecoderConfigFile.Read(config)
            is not { RopeScaling: { Name: RotaryScalingName.Llama3 } scaling } shape)
            return [];
        return [.. RotaryFrequencies.Divisors(shape.HeadSize, shape.RopeTheta, scaling).Select(divisor =>
            (float)divisor)];
    }

    private static void Write(Stream stream, ModelTensor tensor, TensorLayout layout, WeightType type)
    {
        IReadOnlyList<long> shape = tensor.Shape(layout);
        long width = shape.Count == 0 ? 1 : shape[^1], rows = tensor.ElementCount / Math.Max(1, width);
        bool asTheyAre = type == tensor.Type && tensor.HasRows(layout) && !tensor.IsVector;
        // A turned tensor is read whole: each of its rows has a part of every row of the file.
        int together = (int)(tensor.HasRows(layout) && !tensor.IsVector
            ? Math.Clamp(ElementsAtOnce / Math.Max(1, width), 1, rows) : rows);
        float[] values = asTheyAre ? [] : new float[together * width];
        byte[] bytes = asTheyAre ? [] : new byte[type.RowBytes(together * width)];
        for (long row = 0; row < rows; row += asTheyAre ? 1 : together)
        {
            if (asTheyAre)
            {
                stream.Write(tensor.Row(layout, row));
                continue;
            }
            int count = (int)(Math.Min(together, rows - row) * width);
            tensor.Read(layout, row, values.AsSpan(0, count));
            float limit = type is WeightType.F16 ? (float)Half.MaxValue : float.MaxValue;
            if (values.AsSpan(0, count).ContainsAnyExceptInRange(-limit, limit))
                throw new AtelierException($"the tensor {tensor.Name} has a weight that {type} cannot hold", hint: type
                    is WeightType.F16 ? "use bf16 or f32" : "a weight is not a number: the training diverged");
            Span<byte> written = bytes.AsSpan(0, (int)type.RowBytes(count));
            WeightConversion.Encode(type, values.AsSpan(0, count), written);
            stream.Write(written);
        }
    }
}
