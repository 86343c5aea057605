using Atelier.Kernels;

namespace Atelier.Formats;

/// <summary>
/// The memory-mapped weights of a model from files of any supported format, with Hugging Face's names.
/// </summary>
public sealed unsafe class ModelWeights : IDisposable
{
    /// <summary>The name of the weights file in a bundle with quantised weights.</summary>
    public const string GgufName = "model.gguf";

    private readonly List<IDisposable> _files = [];
    private readonly Dictionary<string, ModelTensor> _tensors = [];
    private readonly HashSet<string> _taken = [];

    private ModelWeights(string path, TensorLayout layout) => (Path, Layout) = (path, layout);

    /// <summary>The path of the file or folder, for error messages.</summary>
    public string Path { get; }

    /// <summary>The layout of the files.</summary>
    public TensorLayout Layout { get; }

    /// <summary>The divisors of rotary frequencies, [head size / 2], if a GGUF file has them; otherwise null.</summary>
    public IReadOnlyList<float>? RopeFactors { get; private set; }

    /// <summary>The tensors, in the order of the files.</summary>
    public IReadOnlyCollection<ModelTensor> Tensors => _tensors.Values;

    /// <summary>Opens the weights of a bundle or of a folder saved by Hugging Face's tools.</summary>
    /// <param name="folder">The folder, with model.gguf, model.safetensors, or shards and their index.</param>
    /// <param name="config">The config.json of the folder.</param>
    /// <exception cref="AtelierException">A file is missing or damaged, or has tensors of an unsupported
    /// type.</exception>
    public static ModelWeights Open(string folder, ConfigFile config)
    {
        string gguf = System.IO.Path.Combine(folder, GgufName);
        return File.Exists(gguf)
            ? FromGguf(GgufFile.Open(gguf))
            : FromSafetensors(folder, SafetensorsFolder.Files(folder), config);
    }

    /// <summary>Returns the weights of a GGUF file, which is disposed with them.</summary>
    /// <exception cref="AtelierException">The file has a tensor that its architecture does not have.</exception>
    public static ModelWeights FromGguf(GgufFile file)
    {
        // no architecture is empty, so all tensors are refused below if the value is missing
        string architecture = file.Text("general.architecture", ""),
            type = GgufNames.ModelTypeOf(architecture, file.Integer($"{architecture}.expert_count", 0) > 0);
        var weights = new ModelWeights(file.Path, GgufNames.LayoutOf(type));
        weights._files.Add(file);
        return weights.Filled(() =>
        {
            long heads = file.Integer($"{architecture}.attention.head_count", architecture == GgufNames.Own ? 1 : null),
                keyHeads = file.Integer($"{architecture}.attention.head_count_kv", heads);
            foreach (GgufTensor tensor in file.Tensors)
            {
                if (tensor.Name == GgufNames.RopeFactors)
                {
                    weights.RopeFactors = ReadFactors(file, tensor);
                    continue;
                }
                if (tensor.Name is GgufNames.ShortFactors or GgufNames.LongFactors)
                    continue; // the configuration has them
                if (type == GgufNames.Gpt2 && tensor.Name == GgufNames.Head
                    && file.AreCopies(GgufNames.Head, GgufNames.Embedding))
                    continue; // written for older versions of llama.cpp, which know no tied head of GPT-2
                (string name, TensorOrder order) = GgufNames.ToHuggingFace(type, tensor.Name)
                    ?? throw new AtelierException(
                        $"the tensor {tensor.Name} does not belong in a model of the kind '{architecture}'", file.Path);
                int rowHeads = Heads(file.Path, tensor.Name, tensor.Shape, order, heads, keyHeads);
                var read = new ModelTensor(name, tensor.Type, tensor.Shape, file.Pointer(tensor.Name), weights.Layout,
                    order, rowHeads);
                if (name.Contains('*', StringComparison.Ordinal))
                    weights.AddExperts(read, file.Path);
                else
                    weights.Add(read);
            }
        });
    }

    /// <summary>
    /// Returns the weights of a model of llama2.c, which rotates neighbours as GGUF does. The file is disposed with
    /// them.
    /// </summary>
    public static ModelWeights FromLlama2C(Llama2CFile file)
    {
        var weights = new ModelWeights(file.Path, TensorLayout.Gguf);
        weights._files.Add(file);
        foreach (Llama2CTensor tensor in file.Tensors)
            weights.Add(new ModelTensor(tensor.Name, WeightType.F32, tensor.Shape, file.Pointer(tensor),
                TensorLayout.Gguf, tensor.Order, tensor.Heads));
        return weights;
    }

    /// <summary>Returns the tensor with a given name, or null.</summary>
    public ModelTensor? Find(string name) => _tensors.GetValueOrDefault(name);

    /// <summary>Returns the tensor with a given name and marks it as used.</summary>
    /// <exception cref="AtelierException">There is no such tensor.</exception>
    public ModelTensor Take(string name)
    {
        _taken.Add(name);
        return Find(name) ?? throw new AtelierException($"the tensor {name} is missing", Path,
            "download or export the model again");
    }

    /// <summary>
    /// Refuses tensors that were not requested by <see cref="Take"/>, since a model with such tensors computes
    /// something else.
    /// </summary>
    /// <param name="harmless">The names of tensors that are allowed nevertheless.</param>
    /// <exception cref="AtelierException">There is an unused tensor.</exception>
    public void RefuseUntaken(params string[] harmless)
    {
        if (_tensors.Keys.FirstOrDefault(name => !_taken.Contains(name) && !harmless.Contains(name)) is { } extra)
            throw new AtelierException($"the tensor {extra} does not belong to the shape in config.json", Path,
                "download or export the model again");
    }

    /// <summary>Checks that all weights are finite numbers.</summary>
    /// <param name="cancellation">Cancels before the next tensor.</param>
    /// <exception cref="AtelierException">A weight is not a finite number.</exception>
    public void CheckNumbers(CancellationToken cancellation = default)
    {
        foreach (ModelTensor tensor in Tensors)
        {
            cancellation.ThrowIfCancellationRequested();
            tensor.CheckNumbers(Path);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (IDisposable file in _files)
            file.Dispose();
    }

    private static ModelWeights FromSafetensors(string folder, IReadOnlyList<string> paths, ConfigFile config)
    {
        string architecture = config.ModelType;
        var weights = new ModelWeights(paths.Count == 1 ? paths[0] : folder, TensorLayout.HuggingFace);
        string prefix = GgufNames.PrefixOf(architecture); // names saved by a bare LlamaModel or GPT2Model lack it
        bool hasHeads = GgufNames.Knows(architecture) && architecture != GgufNames.Gpt2;
        int heads = hasHeads ? config.Integer("num_attention_heads") : 1;
        int keyHeads = hasHeads ? config.Integer("num_key_value_heads", heads) : 1;
        return weights.Filled(() =>
        {
            foreach (string path in paths)
            {
                SafetensorsFile file = SafetensorsFile.Open(path);
                weights._files.Add(file);
                foreach (SafetensorsEntry entry in file.Entries.Where(e => !IsBuffer(e.Name)))
                {
                    string name = entry.Name;
                    if (prefix.Length > 0 && !name.StartsWith(prefix, StringComparison.Ordinal)
                        && GgufNames.ToGguf(architecture, prefix + name) is not null)
                        name = prefix + name;
                    TensorOrder order = GgufNames.ToGguf(architecture, name)?.Order ?? TensorOrder.Same;
                    int rowHeads = Heads(path, name, entry.Shape, order, heads, keyHeads);
                    weights.Add(new ModelTensor(name, TypeOf(path, entry), entry.Shape, file.Pointer(entry.Name),
                        TensorLayout.HuggingFace, order, rowHeads));
                }
            }
        });
    }

    internal static float[] ReadFactors(GgufFile file, GgufTensor tensor)
    {
        if (tensor is not { Type: WeightType.F32, Shape: [> 0 and <= 1 << 16 and long count] })
            throw new AtelierException($"the tensor {tensor.Name} is not a list of single-precision factors", file.Path,
                "download the file again");
        float[] factors = new ReadOnlySpan<float>(file.Pointer(tensor.Name), (int)count).ToArray();
        return factors.All(factor => factor is > 0 and < 1e6f)
            ? factors
            : throw new AtelierException($"the tensor {tensor.Name} has factors that are not positive", file.Path,
                "download the file again");
    }

    /// <summary>Returns whether a tensor is a buffer, which older files contain besides the weights.</summary>
    internal static bool IsBuffer(string name) =>
        name.EndsWith(".attn.bias", StringComparison.Ordinal)
        || name.EndsWith(".attention.bias", StringComparison.Ordinal)
        || name.EndsWith(".masked_bias", StringComparison.Ordinal)
        || name.EndsWith(".rotary_emb.inv_freq", StringComparison.Ordinal)
        || name.EndsWith("embeddings.position_ids", StringComparison.Ordinal)
        || name.EndsWith("embeddings.token_type_ids", StringComparison.Ordinal);

    /// <summary>Returns the type of the elements of a tensor.</summary>
    /// <exception cref="AtelierException">The type is not supported.</exception>
    internal static WeightType TypeOf(string path, SafetensorsEntry entry) => entry.Type switch
    {
        SafetensorsType.F32 => WeightType.F32,
        SafetensorsType.F16 => WeightType.F16,
        SafetensorsType.BF16 => WeightType.BF16,
        _ => throw new AtelierException($"the tensor {entry.Name} has the type {entry.Type}", path,
            "supported are F32, F16 and BF16"),
    };

    /// <summary>
    /// Returns the number of heads that a tensor's rows belong to if they form rotary pairs or threes of heads; a head
    /// must have as many rows as a multiple of their number.
    /// </summary>
    private static int Heads(string path, string name, IReadOnlyList<long> shape, TensorOrder order, long queryHeads,
        long keyHeads)
    {
        if (order is not (TensorOrder.QueryPairs or TensorOrder.KeyPairs or TensorOrder.HeadsOfThree))
            return 1;
        long heads = order == TensorOrder.KeyPairs ? keyHeads : queryHeads;
        int together = order == TensorOrder.HeadsOfThree ? 3 : 2;
        return heads is > 0 and <= int.MaxValue && shape.Count > 0 && shape[0] % (together * heads) == 0
            ? (int)heads
            : throw new AtelierException(
                $"the tensor {name} is [{string.Join(", ", shape)}], which is not divisible into {heads} heads of "
                    + (together == 2 ? "pairs of rows" : "queries, keys and values"),
                path, "download or export the model again");
    }

    /// <summary>Adds each expert of a tensor that has those of a block one after another.</summary>
    private void AddExperts(ModelTensor tensor, string path)
    {
        const int most = 4096;
        if (tensor.FileShape is not [> 0 and <= most and long count, > 0, > 0])
            throw new AtelierException($"the tensor {tensor.Name} is [{string.Join(", ", tensor.FileShape)}], but "
                + $"matrices of 1 to {most} experts are expected", path, "download the file again");
        for (int expert = 0; expert < count; expert++)
            Add(tensor.Slice(tensor.Name.Replace("*", $"{expert}", StringComparison.Ordinal), expert));
    }

    private void Add(ModelTensor tensor)
    {
        if (!_tensors.TryAdd(tensor.Name, tensor))
            throw new AtelierException($"the tensor {tensor.Name} appears twice", Path, "download the model again");
    }

    private ModelWeights Filled(Action fill)
    {
        try
        {
            fill();
            return this;
        }
        catch
        {
            Dispose();
            throw;
        }
    }
}
