using Atelier.Kernels;

namespace Atelier.Networks;

/// <summary>Checks that weights have the shapes that a configuration implies.</summary>
/// <param name="hidden">The width of the residual stream.</param>
/// <param name="where">The file of the weights, for error messages.</param>
internal sealed class WeightShapes(int hidden, string? where)
{
    /// <summary>Checks the weights of a norm of the residual stream.</summary>
    public void Norm(NormWeights? norm) => Norm(norm, hidden, isWanted: true);

    /// <summary>Checks the weights of a norm.</summary>
    /// <param name="norm">The norm; null if there is none.</param>
    /// <param name="size">Number of its weights.</param>
    /// <param name="isWanted">Whether there must be one.</param>
    public void Norm(NormWeights? norm, int size, bool isWanted)
    {
        if (norm is null == isWanted)
            throw Wrong(isWanted ? "a norm is missing" : "there is a norm that config.json does not imply");
        if (norm is not null && (norm.Weight.Length != size || (norm.Bias is not null && norm.Bias.Length != size)))
            throw Wrong($"a norm has {norm.Weight.Length} weights, config.json implies {size}");
    }

    /// <summary>Checks a linear layer.</summary>
    public void Linear(LinearWeights? linear, int rows, int columns)
    {
        if (linear is null)
            throw Wrong("a linear layer is missing");
        Matrix(linear.Weight, rows, columns);
        if (linear.Bias is not null && linear.Bias.Length != rows)
            throw Wrong($"the bias of {linear.Weight.Name} has {linear.Bias.Length} elements, config.json "
                + $"implies {rows}");
    }

    /// <summary>Checks a feed-forward layer.</summary>
    /// <param name="layer">The layer; null is refused.</param>
    /// <param name="activation">Its activation.</param>
    /// <param name="size">Its inner width.</param>
    public void FeedForward(FeedForwardWeights? layer, ActivationName activation, int size)
    {
        if (layer?.Gate is null == activation.IsGated())
            throw Wrong(layer?.Gate is null ? $"the gate of {activation} is missing"
                : $"there is a gate, but {activation} has none");
        if (layer?.Gate is not null)
            Linear(layer.Gate, size, hidden);
        Linear(layer?.Up, size, hidden);
        Linear(layer?.Down, hidden, size);
    }

    /// <summary>Checks a matrix.</summary>
    public void Matrix(WeightMatrix matrix, int rows, int columns)
    {
        if (matrix.Rows != rows || matrix.Columns != columns)
            throw Wrong($"{matrix.Name} is [{matrix.Rows}, {matrix.Columns}], config.json implies [{rows}, "
                + $"{columns}]");
    }

    /// <summary>Returns the error that weights and configuration do not fit together.</summary>
    public AtelierException Wrong(string what) => new(what, where, "download or export the model again");
}
