namespace Atelier.Networks;

/// <summary>
/// The position encoding of Vaswani et al. 2017, section 3.5: component i of position p is sin(p / 10000^(2 i / size))
/// in the first half of the components, and the cosine of the same angle in the second half. (The paper alternates
/// sines and cosines; files in Marian's layout have halves.)
/// </summary>
public static class SinusoidalEncoding
{
    /// <summary>Computes the vector of a position.</summary>
    /// <param name="position">The position, at least 0.</param>
    /// <param name="vector">Filled with the vector, [size].</param>
    public static void Fill(int position, Span<float> vector)
    {
        int size = vector.Length, sines = (size + 1) / 2;
        for (int i = 0; i < size; i++)
        {
            double angle = position / Math.Pow(10_000, 2.0 * (i < sines ? i : i - sines) / size);
            vector[i] = (float)(i < sines ? Math.Sin(angle) : Math.Cos(angle));
        }
    }
}
