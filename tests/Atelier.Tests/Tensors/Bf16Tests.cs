using Atelier.Tensors;

namespace Atelier.Tests.Tensors;

/// <summary>bfloat16 in whole registers and in the rest of an array, against one number at a time.</summary>
public sealed unsafe class Bf16Tests
{
    [Theory]
    [InlineData(1)]
    [InlineData(16)]
    [InlineData(37)]
    public void Numbers_are_rounded_to_the_nearest_with_ties_to_even_and_added(int count)
    {
        // Half a unit in the last place of 1, which is a tie, just above and just below it, and other magnitudes.
        float[] kinds = [1 + (1 / 256f), 1 + (3 / 256f), 1.0039063f, 1.0039061f, -3.1415927f, 0, 1e-30f, -6.5e30f];
        float[] x = [.. Enumerable.Range(0, count).Select(i => kinds[i % kinds.Length] * (1 << (i / kinds.Length)))];
        ushort[] rounded = new ushort[count];
        float[] sums = new float[count];
        fixed (float* from = x, sum = sums)
        fixed (ushort* to = rounded)
        {
            Bf16.Round(from, to, count);
            Bf16.Add(from, to, sum, count);
        }
        for (int i = 0; i < count; i++)
        {
            float nearest = Nearest(x[i]);
            Bf16.ToSingle(rounded[i]).ShouldBe(nearest, $"{x[i]:R}");
            sums[i].ShouldBe(x[i] + nearest);
        }
    }

    /// <summary>Rounds to 8 significant bits in double precision; Math.Round takes ties to even.</summary>
    private static float Nearest(float x)
    {
        if (x == 0)
            return 0;
        double unit = Math.ScaleB(1, Math.ILogB(x) - 7);
        return (float)(Math.Round(x / unit) * unit);
    }
}
