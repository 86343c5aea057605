namespace Atelier.Models.Hmm.Inference;

/// <summary>A sequence of observations: symbols, or rows of numbers.</summary>
internal sealed class HmmSequence
{
    private HmmSequence(ReadOnlyMemory<int> symbols, ReadOnlyMemory<double> values, int dimension) =>
        (Symbols, Values, Dimension) = (symbols, values, dimension);

    /// <summary>[time]: the symbols; empty for numbers.</summary>
    public ReadOnlyMemory<int> Symbols { get; }

    /// <summary>[time, dimension]: the numbers; empty for symbols.</summary>
    public ReadOnlyMemory<double> Values { get; }

    /// <summary>How many numbers are observed at each time step; 0 for symbols.</summary>
    public int Dimension { get; }

    /// <summary>The number of time steps.</summary>
    public int Length => Dimension == 0 ? Symbols.Length : Values.Length / Dimension;

    /// <summary>Creates a sequence of symbols.</summary>
    public static HmmSequence Of(ReadOnlyMemory<int> symbols) => new(symbols, default, 0);

    /// <summary>Creates a sequence of rows of numbers, [time, dimension].</summary>
    public static HmmSequence Of(ReadOnlyMemory<double> values, int dimension) => new(default, values, dimension);
}
