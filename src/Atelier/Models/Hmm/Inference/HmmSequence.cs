namespace Atelier.Models.Hmm.Inference;

/// <summary>The observations: symbols, or rows of numbers.</summary>
internal sealed class HmmSequence
{
    private HmmSequence(ReadOnlyMemory<int> symbols, ReadOnlyMemory<double> values, int dimension) =>
        (Symbols, Values, Dimension) = (symbols, values, dimension);

    /// <summary>[time]: symbols; empty for numbers.</summary>
    public ReadOnlyMemory<int> Symbols { get; }

    /// <summary>[time, dimension]: numbers; empty for symbols.</summary>
    public ReadOnlyMemory<double> Values { get; }

    /// <summary>Numbers at each time; 0 for symbols.</summary>
    public int Dimension { get; }

    /// <summary>Times.</summary>
    public int Length => Dimension == 0 ? Symbols.Length : Values.Length / Dimension;

    public static HmmSequence Of(ReadOnlyMemory<int> symbols) => new(symbols, default, 0);

    public static HmmSequence Of(ReadOnlyMemory<double> values, int dimension) => new(default, values, dimension);
}
