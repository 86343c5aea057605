using Atelier.Formats;
using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Runs;

/// <summary>Reads the weights of a bundle, which are in one file or in shards.</summary>
public static class BundleTensors
{
    /// <summary>
    /// Reads all tensors to the CPU, and dequantises quantised ones to single precision. The caller owns the tensors.
    /// </summary>
    /// <exception cref="AtelierException">A file is missing or damaged, or the index names a file outside the
    /// folder.</exception>
    public static IReadOnlyDictionary<string, Tensor> Read(Bundle bundle, CancellationToken cancellation = default)
    {
        var tensors = new Dictionary<string, Tensor>();
        try
        {
            if (bundle.IsGguf)
                Dequantise(bundle, tensors, cancellation);
            else
                ReadFloats(bundle, tensors, cancellation);
            return tensors;
        }
        catch
        {
            foreach (Tensor tensor in tensors.Values)
                tensor.Dispose();
            throw;
        }
    }

    /// <summary>Reads all tensors, and disposes them after an action.</summary>
    /// <inheritdoc cref="Read"/>
    internal static T Use<T>(Bundle bundle, Func<IReadOnlyDictionary<string, Tensor>, T> action,
        CancellationToken cancellation = default)
    {
        IReadOnlyDictionary<string, Tensor> tensors = Read(bundle, cancellation);
        try
        {
            return action(tensors);
        }
        finally
        {
            foreach (Tensor tensor in tensors.Values)
                tensor.Dispose();
        }
    }

    /// <summary>
    /// Refuses files with fewer weights than config.json describes, before a model of the size that it claims is
    /// created.
    /// </summary>
    /// <param name="tensors">The weights by name.</param>
    /// <param name="least">The smallest number of weights of such a model.</param>
    /// <param name="where">The path of the weights, for error messages.</param>
    /// <param name="isPossible">Whether there are models of the sizes that config.json claims at all.</param>
    /// <exception cref="AtelierException">There are too few.</exception>
    internal static void CheckCount(IReadOnlyDictionary<string, Tensor> tensors, Int128 least, string where,
        bool isPossible = true)
    {
        Int128 held = tensors.Values.Sum(tensor => tensor.numel());
        if (!isPossible || least > held)
            throw new AtelierException($"holds {held} weights, but config.json describes at least {least}", where,
                "download or export the model again");
    }

    /// <summary>Copies tensors of a file into the tensors of a model, by name.</summary>
    /// <param name="targets">The tensors of the model, with their names in the file. Null stands for a tensor that the
    /// model lacks, and that must be all zeros if it is in the file.</param>
    /// <param name="tensors">The tensors of the file, of any floating-point type.</param>
    /// <param name="isIgnored">Returns whether the file may hold a tensor with this name that the model lacks.</param>
    /// <param name="where">The path of the file, for error messages.</param>
    /// <exception cref="AtelierException">A tensor is missing, unexpected, or has a different shape.</exception>
    public static void CopyTo(IEnumerable<(string Name, Tensor? Target)> targets,
        IReadOnlyDictionary<string, Tensor> tensors, Func<string, bool> isIgnored, string where)
    {
        const string hint = "download or export the model again";
        using var gradients = no_grad();
        var used = new HashSet<string>();
        foreach ((string name, Tensor? target) in targets)
        {
            used.Add(name);
            if (target is null)
            {
                if (tensors.TryGetValue(name, out Tensor? unused) && unused.count_nonzero().Number() > 0)
                    throw new AtelierException(
                        $"the tensor {name} is not all zeros, but config.json says that there are no biases",
                        where, hint);
                continue;
            }
            if (!tensors.TryGetValue(name, out Tensor? tensor))
                throw new AtelierException($"the tensor {name} is missing", where, hint);
            if (!tensor.shape.SequenceEqual(target.shape))
            {
                throw new AtelierException(
                    $"the tensor {name} is [{string.Join(", ", tensor.shape)}], but config.json implies "
                    + $"[{string.Join(", ", target.shape)}]", where, hint);
            }
            target.copy_(tensor);
        }
        if (tensors.Keys.FirstOrDefault(name => !used.Contains(name) && !isIgnored(name)) is { } extra)
            throw new AtelierException($"the tensor {extra} does not belong to the shape in config.json",
                where, hint);
    }

    /// <summary>
    /// Returns copies of the tensors of a model's state on the CPU, by name, in the caller's dispose scope.
    /// </summary>
    /// <param name="model">The model.</param>
    public static IReadOnlyDictionary<string, Tensor> Copy(nn.Module model)
    {
        using var gradients = no_grad();
        return model.state_dict().ToDictionary(t => t.Key, t => t.Value.detach().cpu().clone());
    }

    /// <summary>
    /// Copies the tensors of a file into the tensors of a model with the same names, and returns the model.
    /// </summary>
    /// <param name="model">The model; disposed if the tensors do not match it.</param>
    /// <param name="tensors">The weights by name.</param>
    /// <param name="where">The path of the weights, for error messages.</param>
    /// <exception cref="AtelierException">A tensor is missing, unknown, or has a different shape.</exception>
    public static TModel Fill<TModel>(TModel model, IReadOnlyDictionary<string, Tensor> tensors, string where)
        where TModel : nn.Module => Fill(model, () =>
        CopyTo(model.state_dict().Select(t => (t.Key, (Tensor?)t.Value)), tensors, _ => false, where));

    /// <summary>Returns a model after an action that fills it, in a dispose scope of its own.</summary>
    /// <param name="model">The model; disposed if the action fails.</param>
    /// <param name="fill">Copies weights into the model.</param>
    internal static TModel Fill<TModel>(TModel model, Action fill)
        where TModel : nn.Module
    {
        try
        {
            using var scope = NewDisposeScope();
            fill();
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    private static void ReadFloats(Bundle bundle, Dictionary<string, Tensor> tensors, CancellationToken cancellation)
    {
        foreach (string file in SafetensorsFolder.Files(bundle.Folder))
        {
            foreach ((string name, Tensor tensor) in TensorFiles.Read(file, cancellation))
            {
                if (!tensors.TryAdd(name, tensor))
                {
                    tensor.Dispose();
                    throw new AtelierException($"the tensor {name} is in two shards", bundle.WeightsIndexPath,
                        "download the model again");
                }
            }
        }
    }

    private static void Dequantise(Bundle bundle, Dictionary<string, Tensor> tensors, CancellationToken cancellation)
    {
        using ModelWeights weights = ModelWeights.FromGguf(GgufFile.Open(bundle.GgufPath));
        foreach (ModelTensor tensor in weights.Tensors)
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            float[] values = tensor.Read(TensorLayout.HuggingFace);
            Tensor dequantised = torch.tensor(values, [.. tensor.Shape(TensorLayout.HuggingFace)]);
            tensors.Add(tensor.Name, dequantised.DetachFromDisposeScope());
        }
    }
}
