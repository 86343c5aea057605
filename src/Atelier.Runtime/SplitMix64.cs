namespace Atelier;

/// <summary>
/// The SplitMix64 random number generator (Steele, Lea and Flood 2014, with the mixing constants of Vigna's reference).
/// Its numbers depend on the seed alone and are the same on every machine and in every version.
/// </summary>
/// <param name="seed">The seed.</param>
public struct SplitMix64(ulong seed)
{
    private const ulong Gamma = 0x9E3779B97F4A7C15;
    private ulong _state = seed;

    /// <summary>Returns the next 64 random bits.</summary>
    public ulong Next() => Finish(_state += Gamma);

    /// <summary>
    /// Returns an integer drawn uniformly from 0 to <paramref name="limit"/> - 1 (Lemire 2019, without rejection: the
    /// bias is below limit / 2^64).
    /// </summary>
    public long Next(long limit) => (long)Math.BigMul(Next(), (ulong)limit, out _);

    /// <summary>Returns a number drawn uniformly from [0, 1), with 53 random bits.</summary>
    public double NextDouble() => (Next() >> 11) * (1.0 / (1UL << 53));

    /// <summary>
    /// Returns a number drawn from the normal distribution with mean 0 and variance 1 (Box and Muller 1958).
    /// </summary>
    public double NextNormal() => Math.Sqrt(-2 * Math.Log(1 - NextDouble())) * Math.Cos(Math.Tau * NextDouble());

    /// <summary>
    /// Returns 64 random bits that depend on <paramref name="seed"/> and a counter only, so that numbers can be drawn
    /// in any order.
    /// </summary>
    public static ulong At(ulong seed, ulong counter) => Finish(Finish(seed + Gamma) + counter * Gamma);

    private static ulong Finish(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
