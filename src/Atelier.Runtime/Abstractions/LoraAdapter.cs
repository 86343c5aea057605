namespace Atelier.Abstractions;

/// <summary>
/// A low-rank adapter (LoRA; Hu et al. 2022, section 4.1): it changes linear layers of a model from W x to
/// W x + s B A x. With magnitudes m (DoRA; Liu et al. 2024, eq. 5), each row of W + s B A is also scaled to the length
/// that m gives it.
/// </summary>
/// <param name="Layers">The layers that it changes.</param>
public sealed record LoraAdapter(IReadOnlyList<LoraLayer> Layers)
{
    /// <summary>The folder that it was read from, for error messages; null if it is new.</summary>
    public string? Source { get; init; }

    /// <summary>The rank: the number of rows of each A.</summary>
    public int Rank { get; init; } = 8;

    /// <summary>The numerator of the factor s.</summary>
    public double Alpha { get; init; } = 8;

    /// <summary>Whether s is divided by the root of the rank, not by the rank (Kalajdzievski 2023).</summary>
    public bool UsesRootOfRank { get; init; }

    /// <summary>The share of inputs that is dropped in training.</summary>
    public double Dropout { get; init; }

    /// <summary>Whether its model stores the weights of linear layers as [inputs, outputs], as GPT-2 does.</summary>
    public bool IsTransposed { get; init; }

    /// <summary>The names, or ends of names, of the layers that it changes, as PEFT's files list them.</summary>
    public IReadOnlyList<string> Targets { get; init; } = [];

    /// <summary>The model that it was trained on: a path or a name on the Hugging Face hub; null if unknown.</summary>
    public string? BaseModel { get; init; }

    /// <summary>PEFT's name of the task, such as "CAUSAL_LM"; null if unknown.</summary>
    public string? TaskType { get; init; }

    /// <summary>The factor s of the products of B and A.</summary>
    public double Scale => Alpha / (UsesRootOfRank ? Math.Sqrt(Rank) : Rank);
}

/// <summary>The matrices of an adapter for one linear layer.</summary>
/// <param name="Name">The name of the layer in the files of the model, such as
/// "model.layers.0.self_attn.q_proj".</param>
/// <param name="Inputs">The width of the layer's input.</param>
/// <param name="Outputs">The width of the layer's output.</param>
/// <param name="A">A, [rank, inputs].</param>
/// <param name="B">B, [outputs, rank].</param>
/// <param name="Magnitude">m of DoRA, [outputs]; null for LoRA.</param>
public sealed record LoraLayer(string Name, int Inputs, int Outputs, float[] A, float[] B, float[]? Magnitude)
{
    private const string BaseHint = "use the model that the adapter was trained on";

    /// <summary>Adds s B A to rows of W, and scales them to their magnitudes if there are any.</summary>
    /// <param name="first">The first row.</param>
    /// <param name="rows">The rows of W, [rows, inputs], which are replaced.</param>
    /// <param name="rank">The rank.</param>
    /// <param name="scale">The factor s.</param>
    /// <returns>The factor of each row, m / ‖W + s B A‖; 1 without magnitudes.</returns>
    public float[] Merge(int first, Span<float> rows, int rank, double scale)
    {
        float[] factors = new float[rows.Length / Inputs];
        for (int row = 0; row < factors.Length; row++)
        {
            Span<float> weights = rows.Slice(row * Inputs, Inputs);
            for (int r = 0; r < rank; r++)
            {
                float b = (float)(scale * B[((first + row) * rank) + r]);
                ReadOnlySpan<float> a = A.AsSpan(r * Inputs, Inputs);
                for (int i = 0; i < weights.Length; i++)
                    weights[i] += b * a[i];
            }
            double squares = 0;
            foreach (float weight in weights)
                squares += (double)weight * weight;
            factors[row] = Magnitude is null ? 1 : (float)(Magnitude[first + row] / Math.Sqrt(squares));
            for (int i = 0; i < weights.Length && Magnitude is not null; i++)
                weights[i] *= factors[row];
        }
        return factors;
    }

    /// <summary>Returns the part for a range of rows of W.</summary>
    /// <param name="first">The first row.</param>
    /// <param name="count">The number of rows.</param>
    /// <param name="pairs">
    /// The number of rows of a head whose rotary pairs are in neighbouring rows of W; 0 if the rows of W are in the
    /// adapter's order, in which they are half a head apart.
    /// </param>
    /// <param name="rank">The rank.</param>
    internal LoraLayer Rows(int first, int count, int pairs, int rank)
    {
        float[] b = new float[count * rank];
        float[]? magnitude = Magnitude is null ? null : new float[count];
        for (int row = 0; row < count; row++)
        {
            int within = pairs == 0 ? 0 : row % pairs, at = pairs == 0
                ? row : row - within + (within / 2) + (within % 2 * (pairs / 2));
            B.AsSpan((first + at) * rank, rank).CopyTo(b.AsSpan(row * rank));
            if (magnitude is not null)
                magnitude[row] = Magnitude![first + at];
        }
        return this with { Outputs = count, B = b, Magnitude = magnitude };
    }

    /// <summary>Returns the error that the model does not have the layer.</summary>
    /// <param name="source">The folder of the adapter, or null.</param>
    public AtelierException OfOtherModel(string? source) => new(
        $"the adapter changes the layer {Name}, which this model does not have", source, BaseHint);

    /// <summary>Returns the error that the layer of a model has another shape than the adapter.</summary>
    /// <param name="source">The folder of the adapter, or null.</param>
    /// <param name="outputs">The width of the output of the model's layer.</param>
    /// <param name="inputs">The width of its input.</param>
    public AtelierException OfOtherShape(string? source, long outputs, long inputs) => new(
        $"the adapter is for a layer {Name} with {Inputs} inputs and {Outputs} outputs, but in this model it has "
            + $"{inputs} and {outputs}", source, BaseHint);
}

/// <summary>A capability: a model that can run with a <see cref="LoraAdapter"/>.</summary>
public interface IAdaptable
{
    /// <summary>
    /// Runs the model with an adapter from now on, instead of the one before; the weights of the model stay as they
    /// are. Must not be called while the model is in use.
    /// </summary>
    /// <param name="adapter">The adapter; null runs the model without one.</param>
    /// <exception cref="AtelierException">The adapter changes a layer that the model does not have, or that has another
    /// shape; the model then runs as before.</exception>
    void UseAdapter(LoraAdapter? adapter);
}
