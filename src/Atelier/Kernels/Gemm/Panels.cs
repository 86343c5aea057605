using Atelier.Tensors;

namespace Atelier.Kernels.Gemm;

/// <summary>
/// The right factor B of a product, in bf16, as tiles read it: panels of 64 columns one after another, the last perhaps
/// of fewer, in each the pairs of rows from the first to the last, in each pair the two numbers of a column side by
/// side.
/// </summary>
/// <param name="Data">The first number, on a whole line of the cache.</param>
/// <param name="Depth">Rows of B. Odd ones end with a row of zeros.</param>
/// <param name="Columns">Of B, in whole registers: a multiple of sixteen. Those past B's own hold zeros.</param>
internal readonly unsafe record struct Panels(nint Data, int Depth, int Columns)
{
    /// <summary>Columns of a panel.</summary>
    public const int Width = GemmMicrokernel.MostRegisters * Bf16.Lanes;

    /// <summary>Pairs of rows.</summary>
    public int Pairs => (Depth + 1) / 2;

    /// <summary>Panels in all.</summary>
    public int Count => (Columns + Width - 1) / Width;

    /// <summary>The numbers that so many rows and columns take.</summary>
    public static long Size(int depth, int columns) => (depth + 1L) / 2 * 2 * Bf16.WholeRegisters(columns);

    /// <summary>Columns of a panel.</summary>
    public int ColumnsOf(int panel) => Math.Min(Width, Columns - (panel * Width));

    /// <summary>Where a panel begins.</summary>
    public uint* Of(int panel) => (uint*)Data + ((long)panel * Width * Pairs);
}
