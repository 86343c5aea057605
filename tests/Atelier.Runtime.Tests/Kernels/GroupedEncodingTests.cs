using Atelier.Kernels;

namespace Atelier.Runtime.Tests.Kernels;

/// <summary>Weights rounded to GGUF's types of groups with a scale.</summary>
public sealed class GroupedEncodingTests
{
    public static TheoryData<WeightType> Types => GroupedProductsTests.Types;

    [Theory]
    [MemberData(nameof(Types))]
    public void What_is_packed_is_unpacked(WeightType type)
    {
        var random = new Random(1);
        var codes = new GroupCodes(type);
        (int elements, int bytes) = FileBlocks.Size(type);
        int groups = elements / FileBlocks.GroupSize(type), count = codes.Highest - codes.Lowest + 1;
        if (type is WeightType.IQ4_NL or WeightType.IQ4_XS)
            count = 16;
        byte[] block = new byte[bytes];
        sbyte[] read = new sbyte[elements];
        float[] scales = new float[FileBlocks.MostGroups], minimums = new float[FileBlocks.MostGroups];
        for (int round = 0; round < 50; round++)
        {
            int[] chosen = [.. Enumerable.Range(0, elements).Select(_ => random.Next(count))];
            (int lowest, int highest) = codes.ScaleRange;
            int[] multiples =
                [.. Enumerable.Range(0, FileBlocks.MostGroups).Select(_ => random.Next(lowest, highest + 1))],
                least = [.. Enumerable.Range(0, FileBlocks.MostGroups).Select(_ =>
                    codes.HasMinimum ? random.Next(highest + 1) : 0)];
            Array.Clear(block);
            GroupedPacking.Pack(type, (Half)0.5f, (Half)0.25f, multiples, least, chosen, block);
            FileBlocks.Unpack(type, block, read, scales, minimums);
            read.Select(code => (int)code).ShouldBe(chosen.Select(code => codes.Value(code)));
            for (int g = 0; g < groups; g++)
            {
                scales[g].ShouldBe(groups == 1 ? 0.5f : 0.5f * multiples[g]);
                minimums[g].ShouldBe(!codes.HasMinimum ? 0 : groups == 1 ? -0.25f : 0.25f * least[g]);
            }
        }
    }

    [Theory]
    [InlineData(WeightType.Q4_1)]
    [InlineData(WeightType.Q5_0)]
    [InlineData(WeightType.Q5_1)]
    [InlineData(WeightType.IQ4_NL)]
    public void A_group_has_nearly_the_best_scale_of_a_fine_grid(WeightType type)
    {
        var random = new Random(2);
        var codes = new GroupCodes(type);
        (double ours, double best) = (0, 0);
        for (int round = 0; round < 20; round++)
        {
            float[] x = [.. Enumerable.Range(0, 32).Select(_ => Normal(random))],
                importance = [.. Enumerable.Range(0, 32).Select(_ => MathF.Exp(Normal(random)))];
            (float scale, float minimum) = GroupFit.Find(codes, x, importance);
            ours += GroupFit.Error(codes, x, importance, scale, minimum);
            double least = double.PositiveInfinity;
            float range = codes.HasMinimum ? x.Max() - x.Min() : 2 * x.Max(Math.Abs);
            for (int i = -400; i <= 400; i++)
            {
                float tried = range / (codes.Highest - codes.Lowest) * (1 + (Math.Abs(i) - 200) / 600f) * Math.Sign(i);
                if (tried == 0 || (codes.HasMinimum && i < 0))
                    continue;
                for (int j = -10; j <= 10; j++)
                {
                    float offset = codes.HasMinimum ? -x.Min() + (j / 10f * tried) : 0;
                    least = Math.Min(least, GroupFit.Error(codes, x, importance, tried, offset));
                    if (!codes.HasMinimum)
                        break;
                }
            }
            best += least;
        }
        ours.ShouldBeInRange(best * 0.5, best * 1.1);
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Important_columns_have_smaller_errors(WeightType type)
    {
        const int columns = 1024;
        var random = new Random(3);
        float[] weights = [.. Enumerable.Range(0, columns).Select(_ => Normal(random))],
            importance = [.. Enumerable.Range(0, columns).Select(i => i % 8 == 0 ? 100f : 1f)];
        byte[] plain = new byte[type.RowBytes(columns)], weighted = new byte[plain.Length];
        WeightConversion.Encode(type, weights, plain);
        WeightConversion.Encode(type, weights, importance, weighted);
        Error(weighted).ShouldBeLessThan(0.97 * Error(plain));

        double Error(byte[] blocks)
        {
            float[] decoded = new float[columns];
            WeightConversion.Decode(type, blocks, decoded);
            return Enumerable.Range(0, columns)
                .Sum(i => importance[i] * ((double)weights[i] - decoded[i]) * (weights[i] - decoded[i]));
        }
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Unusual_weights_are_rounded_to_finite_ones(WeightType type)
    {
        float[][] cases =
        [
            new float[256], [.. Enumerable.Repeat(-1.5f, 256)], [.. Enumerable.Repeat(2f, 256)],
            [.. Enumerable.Range(0, 256).Select(i => i == 77 ? 1000f : 0.001f)],
            [.. Enumerable.Range(0, 256).Select(i => i % 2 == 0 ? 1e-30f : -1e-38f)],
        ];
        byte[] blocks = new byte[type.RowBytes(256)];
        float[] decoded = new float[256];
        foreach (float[] weights in cases)
        {
            foreach (float[] importance in (float[][])[new float[256], [.. Enumerable.Repeat(1e30f, 256)]])
            {
                WeightConversion.Encode(type, weights, importance, blocks);
                WeightConversion.Decode(type, blocks, decoded);
                float largest = weights.Max(Math.Abs);
                for (int i = 0; i < 256; i++)
                    Math.Abs(decoded[i] - weights[i]).ShouldBeLessThanOrEqualTo(largest * 0.6f + 1e-6f, $"{type}");
            }
        }
        WeightConversion.Encode(type, cases[0], blocks);
        WeightConversion.Decode(type, blocks, decoded);
        decoded.ShouldAllBe(value => value == 0);
    }

    private static float Normal(Random random) =>
        (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
}
