using System.Buffers.Binary;
using Atelier.Kernels;

namespace Atelier.Runtime.Tests.Kernels;

/// <summary>Products of random blocks of GGUF's other types on every path, against decoded weights.</summary>
public sealed unsafe class GroupedProductsTests
{
    // rows, columns in blocks of 32, vectors; the types of large blocks use multiples of eight blocks
    private static readonly (int Rows, int Blocks, int Vectors)[] Shapes =
    [
        (1, 8, 1), (7, 16, 2), (16, 24, 4), (37, 8, 9), (33, 48, 13), (5, 8, 5), (18, 40, 8),
        (3, 1, 1), (4, 7, 9), (35, 9, 1), (17, 15, 12), (34, 41, 11),
    ];

    public static TheoryData<WeightType> Types =>
    [
        WeightType.Q4_1, WeightType.Q5_0, WeightType.Q5_1, WeightType.Q2_K, WeightType.Q3_K, WeightType.Q4_K,
        WeightType.Q5_K, WeightType.Q6_K, WeightType.IQ4_NL, WeightType.IQ4_XS,
    ];

    [Theory]
    [MemberData(nameof(Types))]
    public void Products_of_any_shape_are_those_of_decoded_weights(WeightType type)
    {
        foreach ((int rows, int columns, int vectors) in ShapesOf(type))
        {
            byte[] blocks = RandomBlocks(type, rows, columns);
            float[] decoded = new float[rows * columns];
            WeightConversion.Decode(type, blocks, decoded);
            foreach (KernelPath path in KernelPath.Supported)
            {
                using var x = new Vectors(path, vectors, columns);
                float[] y = x.Multiply(path, type, blocks, rows, 0, vectors, asAlone: false);
                for (int t = 0; t < vectors; t++)
                {
                    for (int r = 0; r < rows; r++)
                    {
                        double expected = 0, size = 0;
                        for (int c = 0; c < columns; c++)
                        {
                            double term = decoded[(r * columns) + c] * x.Rounded((t * columns) + c);
                            expected += term;
                            size += Math.Abs(term);
                        }
                        // a code times its scale may be a few times larger than the weight, from which the minimum is
                        // subtracted
                        ((double)y[(t * rows) + r]).ShouldBe(expected, (5e-6 * size) + 1e-9,
                            $"{path.Name}, {rows} × {columns}, row {r}, vector {t} of {vectors}");
                    }
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void A_vector_among_others_can_have_the_result_that_it_has_alone_to_the_bit(WeightType type)
    {
        foreach ((int rows, int columns, int vectors) in ShapesOf(type))
        {
            byte[] blocks = RandomBlocks(type, rows, columns);
            foreach (KernelPath path in KernelPath.Supported)
            {
                using var x = new Vectors(path, vectors, columns);
                float[] together = x.Multiply(path, type, blocks, rows, 0, vectors, asAlone: true);
                for (int t = 0; t < vectors; t++)
                    together[(t * rows)..((t + 1) * rows)].ShouldBe(
                        x.Multiply(path, type, blocks, rows, t, 1, asAlone: true),
                        $"{path.Name}, {rows} × {columns}, vector {t} of {vectors}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Weights_of_a_file_are_multiplied_where_they_lie(WeightType type)
    {
        Assert.SkipUnless(KernelPath.Best.MultipliesGroups, "this processor lacks AVX2");
        byte[] blocks = RandomBlocks(type, 64, 4096);
        fixed (byte* data = blocks)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            WeightMatrix matrix = WeightMatrix.OfFile("w", type, 64, 4096, data, owner: null);
            (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(1024);
            (matrix.Type, (nint)matrix.Data).ShouldBe((type, (nint)data));
        }
    }

    private static IEnumerable<(int Rows, int Columns, int Vectors)> ShapesOf(WeightType type) =>
        Shapes.Select(s => (s.Rows, Columns: s.Blocks * WeightTypes.BlockSize, s.Vectors))
            .Where(s => s.Columns % type.BlockElements() == 0);

    /// <summary>Random bytes, with random scales of a size that weights have.</summary>
    private static byte[] RandomBlocks(WeightType type, int rows, int columns)
    {
        var random = new Random(5);
        byte[] blocks = new byte[rows * type.RowBytes(columns)];
        random.NextBytes(blocks);
        int bytes = FileBlocks.Size(type).Bytes;
        int[] halves = type switch
        {
            WeightType.Q2_K => [80, 82],
            WeightType.Q3_K => [108],
            WeightType.Q6_K => [208],
            WeightType.Q5_0 or WeightType.IQ4_NL or WeightType.IQ4_XS => [0],
            _ => [0, 2],
        };
        for (int block = 0; block < blocks.Length; block += bytes)
        {
            foreach (int at in halves)
                BinaryPrimitives.WriteHalfLittleEndian(blocks.AsSpan(block + at), (Half)(random.NextSingle() - 0.5f));
        }
        // subnormal and zero scales too
        BinaryPrimitives.WriteHalfLittleEndian(blocks.AsSpan(halves[0]), Half.Epsilon * (Half)3);
        if (blocks.Length > bytes)
            BinaryPrimitives.WriteHalfLittleEndian(blocks.AsSpan(bytes + halves[0]), (Half)0);
        return blocks;
    }

    /// <summary>Random vectors, quantised by a path.</summary>
    private sealed class Vectors : IDisposable
    {
        private readonly int _columns;
        private readonly WeightMemory _memory;
        private readonly ByteVectors _bytes;

        public Vectors(KernelPath path, int vectors, int columns)
        {
            _columns = columns;
            int count = vectors * columns;
            _memory = new WeightMemory((nuint)(2 * count)); // exactly what they need: bytes, scales and sums
            sbyte* values = (sbyte*)_memory.Data;
            float* scales = (float*)(values + count);
            int* sums = (int*)(scales + count / 32);
            _bytes = new ByteVectors(values, scales, sums, sums + count / 32);
            var random = new Random(6);
            float[] x = [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() * 4 - 2)];
            fixed (float* from = x)
            {
                for (int t = 0; t < vectors; t++)
                    path.ToBytes(from + t * columns, columns, _bytes.At(t, columns));
            }
        }

        public float Rounded(int at) => _bytes.Scales[at / 32] * _bytes.Values[at];

        public float[] Multiply(KernelPath path, WeightType type, byte[] blocks, int rows, int first, int count,
            bool asAlone)
        {
            float[] y = new float[count * rows];
            fixed (byte* data = blocks)
            fixed (float* to = y)
            {
                var matrix = new WeightMatrix("w", type, rows, _columns, data, owner: null);
                path.Multiply(new ProductRows(matrix, 0, rows), null, _bytes.At(first, _columns), count, to, rows,
                    asAlone);
            }
            return y;
        }

        public void Dispose() => _memory.Dispose();
    }
}
