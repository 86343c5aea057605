using Atelier.Kernels;

namespace Atelier.Runtime.Tests.Kernels;

public sealed class BlockCodesTests
{
    [Theory]
    [InlineData(WeightType.Q4_0, 16, 18)]
    [InlineData(WeightType.Q3, 8, 14)]
    [InlineData(WeightType.Q2, 4, 10)]
    public void Every_code_in_every_place_comes_back_from_a_block(WeightType type, int count, int bytes)
    {
        int[] codes = [.. Enumerable.Range(-100, 200).Select(v => BlockCodes.Nearest(type, v)).Distinct()];
        codes.Length.ShouldBe(count);
        ((int)type.RowBytes(WeightTypes.BlockSize)).ShouldBe(bytes);
        byte[] block = new byte[bytes];
        int[] read = new int[WeightTypes.BlockSize];
        foreach (int code in codes)
        {
            for (int place = 0; place < WeightTypes.BlockSize; place++)
            {
                int[] written = [.. Enumerable.Range(0, WeightTypes.BlockSize)
                    .Select(i => i == place ? code : codes[i % count])];
                BlockCodes.Pack(type, (Half)0.5f, written, block);
                BlockCodes.Unpack(type, block, read).ShouldBe((Half)0.5f);
                read.ShouldBe(written);
            }
        }
    }

    [Fact]
    public void The_nearest_code_is_no_further_than_any_other()
    {
        foreach (WeightType type in (WeightType[])[WeightType.Q4_0, WeightType.Q3, WeightType.Q2])
        {
            int[] codes = [.. Enumerable.Range(-9, 18).Select(v => BlockCodes.Nearest(type, v)).Distinct()];
            for (double value = -9; value <= 9; value += 0.125)
                Math.Abs(BlockCodes.Nearest(type, value) - value).ShouldBe(codes.Min(code => Math.Abs(code - value)));
        }
    }

    [Theory]
    [InlineData(WeightType.Q3)]
    [InlineData(WeightType.Q2)]
    public void In_memory_a_matrix_is_in_blocks_of_4_bits_with_the_same_numbers(WeightType type)
    {
        var random = new Random(4);
        float[] values = [.. Enumerable.Range(0, 3 * 64).Select(_ => random.NextSingle() - 0.5f)];
        byte[] bytes = new byte[type.RowBytes(values.Length)];
        WeightConversion.Encode(type, values, bytes);
        float[] expected = new float[values.Length], row = new float[64];
        WeightConversion.Decode(type, bytes, expected);
        WeightMatrix matrix = WeightMatrix.From("w", 3, 64, values, type);
        matrix.Type.ShouldBe(WeightType.Q4_0);
        for (int i = 0; i < 3; i++)
        {
            matrix.ReadRow(i, row);
            row.ShouldBe(expected[(i * 64)..((i + 1) * 64)]);
        }
        expected.Chunk(WeightTypes.BlockSize).ShouldAllBe(block =>
            block.Distinct().Count() <= (type == WeightType.Q3 ? 8 : 4));
    }
}
