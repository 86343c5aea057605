using Atelier.Kernels;

namespace Atelier.Compress;

/// <summary>
/// Rounds weights to GGUF's types of groups with a scale, for example Q4_K: the error of a weight counts as much as the
/// mean square of its input, llama.cpp's importance matrix.
/// </summary>
internal static class WeightedRounding
{
    /// <summary>Rounds a matrix.</summary>
    /// <param name="weights">The weights, [rows, columns].</param>
    /// <param name="columns">Number of columns, whole blocks of the type.</param>
    /// <param name="type">The type.</param>
    /// <param name="moments">The sums of x xᵀ over inputs x, [columns, columns], of which only the diagonal is
    /// read.</param>
    /// <returns>The bytes of the weights in the type, row by row.</returns>
    public static byte[] ToBlocks(float[] weights, int columns, WeightType type, double[] moments)
    {
        float[] importance = [.. Enumerable.Range(0, columns).Select(column => (float)moments[column * (columns + 1)])];
        int rows = weights.Length / columns, rowBytes = (int)type.RowBytes(columns);
        byte[] bytes = new byte[rows * rowBytes];
        Parallel.For(0, rows, row => WeightConversion.Encode(type, weights.AsSpan(row * columns, columns), importance,
            bytes.AsSpan(row * rowBytes, rowBytes)));
        return bytes;
    }
}
