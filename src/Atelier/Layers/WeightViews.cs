using static TorchSharp.torch;

namespace Atelier.Layers;

/// <summary>
/// Names the weights of layers as published files do. Each tensor is a view of a parameter, so that one list serves to
/// read and to write a file.
/// </summary>
internal static class WeightViews
{
    /// <summary>Names a linear layer's weight and its bias, if it has one.</summary>
    public static IEnumerable<(string Name, Tensor? View)> Of(string name, Linear linear) =>
        Rows(name, linear, 0, linear.Weight.shape[0]);

    /// <summary>Names some rows of a linear layer, which a file stores as a layer of their own.</summary>
    public static IEnumerable<(string Name, Tensor? View)> Rows(string name, Linear linear, long start, long count)
    {
        yield return (name + ".weight", linear.Weight.narrow(0, start, count));
        if (linear.Bias is not null)
            yield return (name + ".bias", linear.Bias.narrow(0, start, count));
    }

    /// <summary>Names a norm's weight and its bias, if it has one.</summary>
    public static IEnumerable<(string Name, Tensor? View)> Of(string name, Norm norm)
    {
        yield return (name + ".weight", norm.Weight);
        if (norm.Bias is not null)
            yield return (name + ".bias", norm.Bias);
    }

    /// <summary>Names the four products of attention.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="query">The name of the queries' product.</param>
    /// <param name="key">The name of the keys' product.</param>
    /// <param name="value">The name of the values' product.</param>
    /// <param name="output">The name of the output's product.</param>
    public static IEnumerable<(string Name, Tensor? View)> Of(MultiHeadAttention layer, string query, string key,
        string value, string output)
    {
        (long queries, long keys) = (layer.Shape.QuerySize, layer.Shape.KeyValueSize);
        Linear source = layer.SourceKeyValue ?? layer.QueryKeyValue;
        long first = layer.SourceKeyValue is null ? queries : 0;
        return
        [
            .. Rows(query, layer.QueryKeyValue, 0, queries), .. Rows(key, source, first, keys),
            .. Rows(value, source, first + keys, keys), .. Of(output, layer.Output),
        ];
    }

    /// <summary>Copies tensors to contiguous ones on the CPU, in the caller's dispose scope.</summary>
    /// <param name="views">The names and views.</param>
    public static IReadOnlyDictionary<string, Tensor> Copy(IEnumerable<(string Name, Tensor? View)> views)
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        return views.ToDictionary(view => view.Name,
            view => view.View!.detach().cpu().contiguous().clone().MoveToOuterDisposeScope());
    }
}
