using Atelier.Kernels;

namespace Atelier.Formats;

/// <summary>A model's weights under Hugging Face's names, memory-mapped, whichever files they lie in.</summary>
public sealed unsafe class ModelWeights : IDisposable
{
    /// <summary>The name of the one file in a bundle whose weights are quantised.</summary>
    public const string GgufName = "model.gguf";

    private readonly List<IDisposable> _files = [];
    private readonly Dictionary<string, ModelTensor> _tensors = [];
    private readonly HashSet<string> _taken = [];

    private ModelWeights(string path, TensorLayout layout) => (Path, Layout) = (path, layout);

    /// <summary>The file or folder they are from, for errors.</summary>
    public string Path { get; }

    /// <summary>The layout of the files.</summary>
    public TensorLayout Layout { get; }

    /// <summary>
    /// What rotary frequencies are divided by, [head size / 2], where a GGUF file has them; otherwise null.
    /// </summary>
    public IReadOnlyList<float>? RopeFactors { get; private set; }

    /// <summary>The tensors, in the order of their files.</summary>
    public IReadOnlyCollection<ModelTensor> Tensors => _tensors.Values;

    /// <summary>Opens the weights of a bundle, or of a folder as Hugging Face's tools save it.</summary>
    /// <param name="folder">The folder: with model.gguf, model.safetensors, or shards and their index.</param>
    /// <param name="config">Its config.json.</param>
    /// <exception cref="AtelierException">A file is missing or damaged, or holds what are no weights.</exception>
    public static ModelWeights Open(string folder, ConfigFile config)
    {
        string gguf = System.IO.Path.Combine(folder, GgufName);
        return File.Exists(gguf)
            ? FromGguf(GgufFile.Open(gguf))
            : FromSafetensors(folder, SafetensorsFolder.Files(folder), config);
    }

    /// <summary>Takes the weights of a GGUF file, which is disposed with them.</summary>
    /// <exception cref="AtelierException">It holds a tensor that its kind of model does not have.</exception>
    public static ModelWeights FromGguf(GgufFile file)
    {
        string architecture = file.Text("general.architecture", ""); // no kind of model knows the empty one's tensors
        var weights = new ModelWeights(file.Path, GgufNames.LayoutOf(architecture));
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
                (string name, TensorOrder order) = GgufNames.ToHuggingFace(architecture, tensor.Name)
                    ?? throw new AtelierException(
                        $"the tensor {tensor.Name} does not belong in a model of the kind '{architecture}'", file.Path);
                weights.Add(new ModelTensor(name, tensor.Type, tensor.Shape, file.Pointer(tensor.Name), weights.Layout,
                    order,
                    Heads(file.Path, tensor.Name, tensor.Shape, order, heads, keyHeads)));
            }
        });
    }

    /// <summary>
    /// Takes the weights of a model of llama2.c's, which rotates neighbours as GGUF does. The file is disposed with
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

    /// <summary>The tensor of that name, or null.</summary>
    public ModelTensor? Find(string name) => _tensors.GetValueOrDefault(name);

    /// <summary>The tensor of that name, which a model has use for.</summary>
    /// <exception cref="AtelierException">There is none.</exception>
    public ModelTensor Take(string name)
    {
        _taken.Add(name);
        return Find(name) ?? throw new AtelierException($"the tensor {name} is missing", Path,
            "download or export the model again");
    }

    /// <summary>
    /// Refuses tensors that no <see cref="Take"/> asked for: the model that they belong to computes something else.
    /// </summary>
    /// <param name="harmless">Names that may stand there all the same.</param>
    /// <exception cref="AtelierException">There is such a tensor.</exception>
    public void RefuseUntaken(params string[] harmless)
    {
        if (_tensors.Keys.FirstOrDefault(name => !_taken.Contains(name) && !harmless.Contains(name)) is { } extra)
            throw new AtelierException($"the tensor {extra} does not belong to the shape in config.json", Path,
                "download or export the model again");
    }

    /// <summary>Reads every weight once.</summary>
    /// <param name="cancellation">Stops before the next tensor.</param>
    /// <exception cref="AtelierException">One is not a number.</exception>
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
        // What a bare LlamaModel or GPT2Model saves lacks this first part of its names.
        string prefix = architecture switch { GgufNames.Llama => "model.", GgufNames.Gpt2 => "transformer.", _ => "" };
        int heads = architecture == GgufNames.Llama ? config.Integer("num_attention_heads") : 1;
        int keyHeads = architecture == GgufNames.Llama ? config.Integer("num_key_value_heads", heads) : 1;
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
                    weights.Add(new ModelTensor(name, TypeOf(path, entry), entry.Shape, file.Pointer(entry.Name),
                        TensorLayout.HuggingFace, order,
                        Heads(path, name, entry.Shape, order, heads, keyHeads)));
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

    /// <summary>Buffers that older files contain besides the weights.</summary>
    private static bool IsBuffer(string name) =>
        name.EndsWith(".attn.bias", StringComparison.Ordinal)
            || name.EndsWith(".attn.masked_bias", StringComparison.Ordinal)
        || name.EndsWith(".rotary_emb.inv_freq", StringComparison.Ordinal);

    private static WeightType TypeOf(string path, SafetensorsEntry entry) => entry.Type switch
    {
        SafetensorsType.F32 => WeightType.F32,
        SafetensorsType.F16 => WeightType.F16,
        SafetensorsType.BF16 => WeightType.BF16,
        _ => throw new AtelierException($"the tensor {entry.Name} has the type {entry.Type}", path,
            "supported are F32, F16 and BF16"),
    };

    /// <summary>The heads that a tensor's rows belong to where they are in pairs; each must be of even size.</summary>
    private static int Heads(string path, string name, IReadOnlyList<long> shape, TensorOrder order, long queryHeads,
        long keyHeads)
    {
        if (order is not (TensorOrder.QueryPairs or TensorOrder.KeyPairs))
            return 1;
        long heads = order == TensorOrder.QueryPairs ? queryHeads : keyHeads;
        return heads is > 0 and <= int.MaxValue && shape.Count > 0 && shape[0] % (2 * heads) == 0
            ? (int)heads
            : throw new AtelierException(
                $"the tensor {name} is [{string.Join(", ", shape)}], which is not divisible into {heads} heads of "
                    + $"pairs of rows", path,
                "download or export the model again");
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
