using Atelier.Kernels;

namespace Atelier.Networks;

/// <summary>Checks that weights have the shapes that a configuration implies.</summary>
/// <param name="hidden">The width of the residual stream.</param>
/// <param name="where">The file of the weights, for error messages.</param>
internal sealed class WeightShapes(int hidden, string? where)
{
    /// <summary>Checks the weights of a norm.</summary>
    public void Norm(NormWeights norm)
    {
        if (norm.Weight.Length != hidden || (norm.Bias is not null && norm.Bias.Length != hidden))
            throw Wrong($"a norm has {norm.Weight.Length} weights, config.json implies {hidden}");
    }

    /// <summary>Checks a linear layer.</summary>
    public void Linear(LinearWeights linear, int rows, int columns)
    {
        Matrix(linear.Weight, rows, columns);
        if (linear.Bias is not null && linear.Bias.Length != rows)
            throw Wrong($"the bias of {linear.Weight.Name} has {linear.Bias.Length} elements, config.json "
                + $"implies {rows}");
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
