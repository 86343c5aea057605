using Atelier.Formats;
using Atelier.Kernels;
using Atelier.Networks;
using Atelier.Tokenizers;

namespace Atelier.Exchange;

/// <summary>Writes a model's weights and its other files in the formats of other systems.</summary>
public static class ModelWriter
{
    private const int ElementsAtOnce = 1 << 18;
    private static readonly IReadOnlyDictionary<string, float[]> NoFactors = new Dictionary<string, float[]>();

    /// <summary>Writes weights in the format of Hugging Face's tools.</summary>
    /// <param name="path">The file.</param>
    /// <param name="weights">The weights.</param>
    /// <param name="type">F32, F16 or BF16; null keeps the type of each tensor, with F32 for quantised ones.</param>
    /// <param name="change">Returns other values of a tensor, in row-major order of Hugging Face's layout; null keeps
    /// those that it has.</param>
    /// <param name="cancellation">Cancels before the next tensor; an existing file stays.</param>
    /// <exception cref="AtelierException">The type is not supported, or the file cannot be written.</exception>
    public static void WriteSafetensors(string path, ModelWeights weights, WeightType? type = null,
        Func<ModelTensor, float[]?>? change = null, CancellationToken cancellation = default)
    {
        if (type?.IsBlocked() == true)
            throw new AtelierException($"Hugging Face files do not support {type}", path, "allowed: f32, f16 and bf16");
        ModelTensor[] tensors = [.. weights.Tensors.OrderBy(t => t.Name, StringComparer.Ordinal)];
        SafetensorsWriter.Write(path, [.. tensors.Select(Entry)],
            (entry, stream) =>
            {
                cancellation.ThrowIfCancellationRequested();
                ModelTensor tensor = weights.Find(entry.Name)!;
                if (change?.Invoke(tensor) is { } changed)
                    Write(stream, tensor.Name, changed, TypeOf(tensor));
                else
                    Write(stream, tensor, TensorLayout.HuggingFace, TypeOf(tensor));
            },
            new Dictionary<string, string> { ["format"] = "pt" }); // the transformers library refuses a file without it

        WeightType TypeOf(ModelTensor tensor) =>
            type ?? (tensor.Type is WeightType.F16 or WeightType.BF16 ? tensor.Type : WeightType.F32);

        SafetensorsEntry Entry(ModelTensor tensor)
        {
            SafetensorsType entryType = TypeOf(tensor) switch
            {
                WeightType.F16 => SafetensorsType.F16,
                WeightType.BF16 => SafetensorsType.BF16,
                _ => SafetensorsType.F32,
            };
            return new(tensor.Name, entryType, tensor.Shape(TensorLayout.HuggingFace));
        }
    }

    /// <summary>Writes a model as a GGUF file that llama.cpp can run.</summary>
    /// <param name="path">The file.</param>
    /// <param name="weights">The weights.</param>
    /// <param name="config">The config.json of a model that llama.cpp supports.</param>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="bounds">The tokens with which a text begins and ends.</param>
    /// <param name="type">The type of the matrices, any but Q3 and Q2; null keeps the type of each, with Q4_0 for Q3
    /// and Q2. Norms and biases are F32.</param>
    /// <param name="chatTemplate">The model's chat template; null for none.</param>
    /// <param name="cancellation">Cancels before the next tensor; an existing file stays.</param>
    /// <exception cref="AtelierException">GGUF cannot represent the configuration or the tokenizer, or the file cannot
    /// be written.</exception>
    public static void WriteGguf(string path, ModelWeights weights, ConfigFile config, Tokenizer tokenizer,
        TextBounds bounds, WeightType? type = null, string? chatTemplate = null,
        CancellationToken cancellation = default)
    {
        string modelType = config.ModelType;
        if (!GgufNames.Knows(modelType))
            throw new AtelierException($"GGUF does not support models of type '{modelType}'", config.Path,
                $"supported are {string.Join(", ", GgufNames.ModelTypes)}: see docs/formats.md");
        if (type is WeightType.Q3 or WeightType.Q2)
            throw new AtelierException($"GGUF files with blocks of the type {type} cannot be written", path,
                "allowed: f32, f16, bf16, q8, q4 and GGUF's other types, such as q4_k");
        WriteGguf(path, modelType, Metadata(config, tokenizer, bounds, chatTemplate), weights, type,
            RopeFactors(weights, config), rounding: null, cancellation, tokenizer.VocabularySize);
    }

    /// <summary>
    /// Writes quantised weights for a bundle: in llama.cpp's layout if it supports the model, otherwise with Atelier's
    /// own names and the architecture "atelier", which only Atelier reads.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="weights">The weights.</param>
    /// <param name="config">The model's config.json.</param>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="bounds">The tokens with which a text begins and ends.</param>
    /// <param name="type">A type of blocks.</param>
    /// <param name="rounding">Rounds a tensor, whose rows are read in a layout, to a type: returns the bytes of all
    /// rows, or null to round each weight to the nearest. Null rounds all tensors so.</param>
    /// <param name="cancellation">Cancels before the next tensor; an existing file stays.</param>
    /// <exception cref="AtelierException">The file cannot be written.</exception>
    public static void WriteBlocks(string path, ModelWeights weights, ConfigFile config, Tokenizer tokenizer,
        TextBounds bounds, WeightType type, Func<ModelTensor, TensorLayout, WeightType, byte[]?>? rounding = null,
        CancellationToken cancellation = default)
    {
        bool isLlamaCpp = SupportsGguf(config, tokenizer, bounds);
        GgufMetadata metadata = isLlamaCpp ? Metadata(config, tokenizer, bounds, chatTemplate: null)
            : Metadata(GgufNames.Own);
        WriteGguf(path, isLlamaCpp ? config.ModelType : GgufNames.Own, metadata, weights, type,
            isLlamaCpp ? RopeFactors(weights, config) : NoFactors, rounding, cancellation);
    }

    /// <summary>
    /// Writes quantised weights for a bundle under their own names, with the architecture "atelier", which only Atelier
    /// reads. The embedding of an encoder that predicts no tokens is rounded like other weights.
    /// </summary>
    /// <inheritdoc cref="WriteBlocks(string, ModelWeights, ConfigFile, Tokenizer, TextBounds, WeightType,
    /// Func{ModelTensor, TensorLayout, WeightType, byte[]}, CancellationToken)"/>
    public static void WriteBlocks(string path, ModelWeights weights, WeightType type,
        Func<ModelTensor, TensorLayout, WeightType, byte[]?>? rounding = null,
        CancellationToken cancellation = default) =>
        WriteGguf(path, GgufNames.Own, Metadata(GgufNames.Own), weights, type, NoFactors, rounding, cancellation);

    /// <summary>Returns whether GGUF, in llama.cpp's layout, supports a type of model and its tokenizer.</summary>
    /// <param name="config">The model's config.json.</param>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="bounds">The tokens with which a text begins and ends.</param>
    public static bool SupportsGguf(ConfigFile config, Tokenizer tokenizer, TextBounds bounds) =>
        GgufNames.Knows(config.ModelType) && GgufTokenizer.CanSay(tokenizer, bounds);

    private static GgufMetadata Metadata(ConfigFile config, Tokenizer tokenizer, TextBounds bounds,
        string? chatTemplate)
    {
        GgufMetadata metadata = Metadata(GgufNames.ArchitectureOf(config.ModelType));
        GgufConfig.Write(metadata, config, tokenizer.VocabularySize);
        GgufTokenizer.Write(metadata, tokenizer, bounds);
        GgufTokenizer.WriteChatTemplate(metadata, chatTemplate);
        return metadata;
    }

    private static GgufMetadata Metadata(string architecture)
    {
        var metadata = new GgufMetadata(architecture);
        metadata.Add("general.quantization_version", 2L);
        return metadata;
    }

    private static void WriteGguf(string path, string modelType, GgufMetadata metadata, ModelWeights weights,
        WeightType? type, IReadOnlyDictionary<string, float[]> factors,
        Func<ModelTensor, TensorLayout, WeightType, byte[]?>? rounding, CancellationToken cancellation,
        int? vocabularySize = null)
    {
        TensorLayout layout = GgufNames.LayoutOf(modelType);
        var sources = new Dictionary<string, SortedList<int, ModelTensor>>();
        foreach (ModelTensor tensor in weights.Tensors)
        {
            (string name, _, int index) = GgufNames.ToGguf(modelType, tensor.Name)
                ?? throw new AtelierException(
                    $"the tensor {tensor.Name} has no place in a model of type '{modelType}'", weights.Path,
                    "download or export the model again");
            if (!sources.TryGetValue(name, out SortedList<int, ModelTensor>? parts))
                sources.Add(name, parts = []);
            bool hasTokens = vocabularySize is not null && name is GgufNames.Embedding or GgufNames.Head;
            parts.Add(index, hasTokens ? tensor.FirstRows(vocabularySize!.Value) : tensor);
        }
        // Older versions of llama.cpp know no tied head of GPT-2. A bundle's own file needs no copy.
        if (vocabularySize is not null && modelType == GgufNames.Gpt2
            && sources.TryGetValue(GgufNames.Embedding, out SortedList<int, ModelTensor>? tied))
            sources.TryAdd(GgufNames.Head, tied);
        bool predicts = weights.Tensors.Any(tensor => WrittenTypes.IsHead(tensor.Name));
        List<GgufTensor> targets = [.. sources.Select(pair => Target(pair.Key, pair.Value))];
        metadata.Add("general.file_type", WrittenTypes.FileType(MainType(targets)));
        targets.AddRange(factors.Select(pair => new GgufTensor(pair.Key, WeightType.F32, [pair.Value.Length])));
        GgufWriter.Write(path, metadata, targets, (target, stream) =>
        {
            cancellation.ThrowIfCancellationRequested();
            if (factors.TryGetValue(target.Name, out float[]? values))
            {
                stream.Write(System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(values));
                return;
            }
            foreach (ModelTensor source in sources[target.Name].Values)
            {
                if (rounding?.Invoke(source, layout, target.Type) is { } rounded)
                    stream.Write(rounded);
                else
                    Write(stream, source, layout, target.Type);
            }
        });

        GgufTensor Target(string name, SortedList<int, ModelTensor> parts)
        {
            ModelTensor first = parts.Values[0];
            IReadOnlyList<long> shape = first.Shape(layout);
            // The experts of a block are one tensor.
            bool isExperts = parts.Keys[0] >= 0;
            if (parts.Values.Any(part => !part.Shape(layout).SequenceEqual(shape)) || (isExperts
                && !parts.Keys.SequenceEqual(Enumerable.Range(0, parts.Count))))
                throw new AtelierException($"the experts beside {first.Name} are not all there, or not alike",
                    weights.Path, "download or export the model again");
            WeightType own = type is null && FileBlocks.Has(first.Type) && !first.IsVector
                && parts.Values.All(part => part.Type == first.Type)
                ? first.Type // its bytes are copied
                : WrittenTypes.For(name, shape, type ?? first.Type.Widened(), predicts);
            return new GgufTensor(name, own, isExperts ? [parts.Count, .. shape] : shape);
        }
    }

    /// <summary>Returns the smallest type among the matrices, which the file declares as its main type.</summary>
    private static WeightType MainType(List<GgufTensor> tensors) =>
        tensors.Where(t => t.Shape.Count > 1).Select(t => t.Type).DefaultIfEmpty(WeightType.F32)
            .MinBy(t => t.RowBytes(WeightTypes.LargeBlockSize));

    /// <summary>
    /// Returns the divisors of rotary frequencies that llama.cpp reads from tensors: those of Llama 3's scaling, or the
    /// factors of LongRoPE; empty for other scalings.
    /// </summary>
    private static IReadOnlyDictionary<string, float[]> RopeFactors(ModelWeights weights, ConfigFile config)
    {
        var factors = new Dictionary<string, float[]>();
        if (weights.RopeFactors is not null)
        {
            factors.Add(GgufNames.RopeFactors, [.. weights.RopeFactors]);
        }
        else if (config.ModelType != GgufNames.Gpt2 && LongRope.Has(config))
        {
            factors.Add(GgufNames.ShortFactors, [.. LongRope.Factors(config, isLong: false).Select(f => (float)f)]);
            factors.Add(GgufNames.LongFactors, [.. LongRope.Factors(config, isLong: true).Select(f => (float)f)]);
        }
        else if (config.ModelType != GgufNames.Gpt2
            && DecoderConfigFile.Read(config) is { RopeScaling: { Name: RotaryScalingName.Llama3 } scaling } shape)
        {
            double[] divisors =
                RotaryFrequencies.Divisors(shape.RotarySize ?? shape.HeadSize, shape.RopeTheta, scaling);
            factors.Add(GgufNames.RopeFactors, [.. divisors.Select(divisor => (float)divisor)]);
        }
        return factors;
    }

    private static void Write(Stream stream, ModelTensor tensor, TensorLayout layout, WeightType type)
    {
        IReadOnlyList<long> shape = tensor.Shape(layout);
        long width = shape.Count == 0 ? 1 : shape[^1], rows = tensor.ElementCount / Math.Max(1, width);
        bool copiesBytes = (type == tensor.Type || type == tensor.Type.Widened()) && tensor.HasRows(layout)
            && !tensor.IsVector;
        // A transposed tensor is read at once, since each of its rows has an element of every row of the file.
        int rowsAtOnce = (int)(tensor.HasRows(layout) && !tensor.IsVector
            ? Math.Clamp(ElementsAtOnce / Math.Max(1, width), 1, rows)
            : rows);
        float[] values = copiesBytes ? [] : new float[rowsAtOnce * width];
        byte[] bytes = new byte[type.RowBytes((copiesBytes ? 1 : rowsAtOnce) * width)];
        for (long row = 0; row < rows; row += copiesBytes ? 1 : rowsAtOnce)
        {
            if (copiesBytes)
            {
                ReadOnlySpan<byte> own = tensor.Row(layout, row);
                if (type != tensor.Type)
                    WeightConversion.Widen(tensor.Type, own, bytes);
                stream.Write(type == tensor.Type ? own : bytes);
                continue;
            }
            int count = (int)(Math.Min(rowsAtOnce, rows - row) * width);
            tensor.Read(layout, row, values.AsSpan(0, count));
            Write(stream, tensor.Name, values.AsSpan(0, count), type, bytes);
        }
    }

    /// <summary>Writes values in a type.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="name">The name of the tensor, for error messages.</param>
    /// <param name="values">The values.</param>
    /// <param name="type">The type.</param>
    /// <param name="bytes">Memory for their bytes; null allocates some.</param>
    private static void Write(Stream stream, string name, ReadOnlySpan<float> values, WeightType type,
        byte[]? bytes = null)
    {
        float limit = type is WeightType.F16 ? (float)Half.MaxValue : float.MaxValue;
        if (values.ContainsAnyExceptInRange(-limit, limit))
        {
            throw new AtelierException($"the tensor {name} has a weight that {type} cannot hold",
                hint: type is WeightType.F16
                    ? "use bf16 or f32"
                    : "a weight is not a number: the training diverged");
        }
        int size = checked((int)type.RowBytes(values.Length));
        Span<byte> written = (bytes ?? new byte[size]).AsSpan(0, size);
        WrittenTypes.Encode(type, values, written);
        stream.Write(written);
    }
}
