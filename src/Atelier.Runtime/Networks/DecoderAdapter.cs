using Atelier.Abstractions;
using Atelier.Kernels;

namespace Atelier.Networks;

/// <summary>The part of an adapter that changes one matrix of a decoder.</summary>
/// <param name="A">A, [rank, inputs].</param>
/// <param name="B">B with all its factors, [rows, rank].</param>
/// <param name="Factors">The factor of each row of the matrix, [rows]; null for 1.</param>
internal sealed record DecoderAdapter(WeightMatrix A, WeightMatrix B, float[]? Factors)
{
    /// <summary>Divides an adapter among the matrices of a decoder.</summary>
    /// <exception cref="AtelierException">The decoder lacks a layer, or it has another shape.</exception>
    public static IReadOnlyDictionary<WeightMatrix, DecoderAdapter> Of(LoraAdapter adapter, DecoderWeights weights,
        DecoderConfig config)
    {
        var adapters = new Dictionary<WeightMatrix, DecoderAdapter>();
        var layers = weights.Products().Select(product => product.Weight).GroupBy(matrix => LayerOf(matrix.Name))
            .ToDictionary(group => group.Key, group => group.ToArray());
        HashSet<WeightMatrix> pairs = config is { RotaryPairs: RotaryPairs.Neighbours, Positions: PositionName.Rotary }
            ? [.. weights.Blocks.SelectMany(block => (WeightMatrix[])[block.Query.Weight, block.Key.Weight])] : [];
        HashSet<WeightMatrix> experts = [.. weights.Blocks
            .SelectMany(block => block.Experts?.Products() ?? []).Select(product => product.Weight)];
        foreach (LoraLayer layer in adapter.Layers)
        {
            if (!layers.TryGetValue(layer.Name, out WeightMatrix[]? parts))
                throw layer.OfOtherModel(adapter.Source);
            // The rows of GPT-NeoX's are not in the order of Hugging Face's files.
            if (parts.Any(experts.Contains) || layer.Name.EndsWith(".query_key_value", StringComparison.Ordinal))
                throw new AtelierException($"adapters of {layer.Name} are not supported", adapter.Source,
                    "merge the adapter into the model, or train one for the attention and the feed-forward layers");
            int outputs = parts.Sum(part => part.Rows), first = 0;
            if ((layer.Outputs, layer.Inputs) != (outputs, parts[0].Columns))
                throw layer.OfOtherShape(adapter.Source, outputs, parts[0].Columns);
            foreach (WeightMatrix part in parts) // a file may hold several matrices in one, with the rows in this order
            {
                LoraLayer rows = layer.Rows(first, part.Rows, pairs.Contains(part) ? config.HeadSize : 0, adapter.Rank);
                adapters.Add(part, Of(rows, part, adapter));
                first += part.Rows;
            }
        }
        return adapters;
    }

    private static DecoderAdapter Of(LoraLayer layer, WeightMatrix matrix, LoraAdapter adapter)
    {
        float[]? factors = layer.Magnitude is null ? null : new float[matrix.Rows];
        float[] b = [.. layer.B], values = new float[matrix.Columns];
        for (int row = 0; row < matrix.Rows; row++)
        {
            float factor = 1;
            if (factors is not null)
            {
                matrix.ReadRow(row, values);
                factor = factors[row] = layer.Merge(row, values, adapter.Rank, adapter.Scale)[0];
            }
            for (int r = 0; r < adapter.Rank; r++)
                b[(row * adapter.Rank) + r] *= (float)(factor * adapter.Scale);
        }
        return new DecoderAdapter(WeightMatrix.From(layer.Name, adapter.Rank, layer.Inputs, layer.A),
            WeightMatrix.From(layer.Name, matrix.Rows, adapter.Rank, b), factors);
    }

    private static string LayerOf(string tensor) =>
        tensor.EndsWith(".weight", StringComparison.Ordinal) ? tensor[..^".weight".Length] : tensor;
}

/// <summary>The memory in which the workers compute adapters, one product after another.</summary>
internal sealed unsafe class AdapterScratch : IDisposable
{
    private readonly PassScratch _scratch = new();

    public AdapterScratch(IReadOnlyCollection<DecoderAdapter> adapters, int workers, int vectors)
    {
        (Low, Sums) = (new float*[workers], new float*[workers]);
        for (int worker = 0; worker < workers; worker++)
        {
            Low[worker] = _scratch.Floats((long)vectors * adapters.Max(adapter => adapter.A.Rows));
            Sums[worker] = _scratch.Floats((long)vectors * adapters.Max(adapter => adapter.B.Rows));
        }
    }

    /// <summary>A x, [vectors, rank], by worker.</summary>
    public float*[] Low { get; }

    /// <summary>A worker's rows of B A x, [vectors, rows], by worker.</summary>
    public float*[] Sums { get; }

    public void Dispose() => _scratch.Dispose();
}

/// <summary>Computes the adapter of a linear layer: y becomes factor · y + B A x.</summary>
internal sealed unsafe class ProductAdapter(DecoderAdapter adapter, AdapterScratch scratch)
{
    /// <summary>Changes a worker's rows of a product.</summary>
    /// <param name="worker">The worker, which computes all of A x itself: waiting for the others takes longer.</param>
    /// <param name="path">The kernels.</param>
    /// <param name="x">The vectors, [vectors, inputs].</param>
    /// <param name="vectors">The number of vectors.</param>
    /// <param name="start">The first row.</param>
    /// <param name="count">The number of rows.</param>
    /// <param name="y">The rows of the product of the first vector.</param>
    /// <param name="yStride">The number of elements from one vector's to the next.</param>
    /// <param name="asAlone">As in <see cref="KernelPath.Multiply"/>.</param>
    public void Apply(int worker, KernelPath path, float* x, int vectors, int start, int count, float* y, long yStride,
        bool asAlone)
    {
        float* low = scratch.Low[worker], sums = scratch.Sums[worker];
        int rank = adapter.A.Rows;
        path.Multiply(new ProductRows(adapter.A, 0, rank), x, default, vectors, low, rank, asAlone);
        path.Multiply(new ProductRows(adapter.B, start, count), low, default, vectors, sums, count, asAlone);
        for (int vector = 0; vector < vectors; vector++)
        {
            float* row = y + (vector * yStride);
            for (int i = 0; i < count && adapter.Factors is not null; i++)
                row[i] *= adapter.Factors[start + i];
            path.Add(sums + ((long)vector * count), count, row);
        }
    }
}
