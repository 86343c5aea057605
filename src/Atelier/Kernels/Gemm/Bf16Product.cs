using System.Runtime.CompilerServices;
using Atelier.Tensors;

namespace Atelier.Kernels.Gemm;

/// <summary>
/// Products of matrices in bf16 with sums in fp32, by one thread, in <see cref="TileMicrokernel"/>s where the processor
/// has tiles, or else in <see cref="GemmMicrokernel"/>s: a panel of B after another stays in the second cache while all
/// rows of A pass by it.
/// </summary>
internal static unsafe class Bf16Product
{
    private const int DepthAtOnce = 2048; // rows of B: a panel of them takes 256 KiB, a quarter of the second cache
    private const int ColumnsAtOnce = 16 * GemmMicrokernel.MostRows; // of a turned A
    private static readonly float* NoStart = Zeros();

    /// <summary>C = A B + s, or C += A B + s.</summary>
    /// <param name="a">A, [rows, depth], bf16; where the depth is odd, one more number a row is read, and counts
    /// nothing.</param>
    /// <param name="aRow">From one row of A to the next.</param>
    /// <param name="b">B.</param>
    /// <param name="start">s, as many as B's columns, fp32, added to each row; or null.</param>
    /// <param name="output">What is done with C, and whether it is fp32 or bf16.</param>
    /// <param name="c">C, [rows, columns of B].</param>
    /// <param name="cRow">From one row of C to the next.</param>
    /// <param name="rows">Any number.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(ushort* a, long aRow, in Panels b, float* start, GemmOutput output, void* c, long cRow,
        int rows)
    {
        var left = LeftFactor.Rows(a, aRow, rows);
        for (int panel = 0; panel < b.Count; panel++)
            Panel(left, b, panel, start, output, (byte*)c + ((long)panel * Panels.Width * Bytes(output)),
                cRow * Bytes(output));
    }

    /// <summary>C = Xᵀ Y, or C += Xᵀ Y.</summary>
    /// <param name="x">X, [depth, rows of C], bf16.</param>
    /// <param name="xRow">From one row of X to the next.</param>
    /// <param name="rows">Columns of X, any number.</param>
    /// <param name="y">Y, [depth, columns], bf16.</param>
    /// <param name="yRow">From one row of Y to the next.</param>
    /// <param name="columns">Of Y, a multiple of sixteen.</param>
    /// <param name="depth">Any number.</param>
    /// <param name="output">What is done with C, and whether it is fp32 or bf16.</param>
    /// <param name="c">C, [rows, columns], in one piece.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void RunTransposed(ushort* x, long xRow, int rows, ushort* y, long yRow, int columns, int depth,
        GemmOutput output, void* c)
    {
        long pairs = (depth + 1L) / 2, whole = Bf16.WholeRegisters((int)pairs);
        bool usesTiles = TileMicrokernel.IsSupported && pairs >= TileMicrokernel.PairsOfTile;
        // a pair takes the room of an fp32 number
        using var scratch = new Scratch((pairs * columns) + ((usesTiles ? 2 : 1) * whole * ColumnsAtOnce));
        var right = new Panels((nint)scratch.Take(pairs * columns), depth, columns);
        uint* turned = (uint*)scratch.Take(whole * ColumnsAtOnce),
            lines = usesTiles ? (uint*)scratch.Take(whole * ColumnsAtOnce) : null;
        for (int panel = 0; panel < right.Count; panel++)
            Packing.PairRows(y + (panel * Panels.Width), yRow, depth, right.ColumnsOf(panel), right.Of(panel),
                right.ColumnsOf(panel));
        for (int from = 0; from < rows; from += ColumnsAtOnce)
        {
            int count = Math.Min(ColumnsAtOnce, rows - from);
            Packing.PairRows(x + from, xRow, depth, count, turned, ColumnsAtOnce);
            LeftFactor left = usesTiles ? Lines(turned, lines, whole, count)
                : LeftFactor.Pairs(turned, ColumnsAtOnce, count);
            byte* to = (byte*)c + ((long)from * columns * Bytes(output));
            for (int panel = 0; panel < right.Count; panel++)
                Panel(left, right, panel, null, output, to + ((long)panel * Panels.Width * Bytes(output)),
                    (long)columns * Bytes(output));
        }
    }

    /// <summary>C = A B, or C += A B, of some of B, where it takes microseconds.</summary>
    /// <param name="a">A, [rows, 2 · pairs].</param>
    /// <param name="b">B.</param>
    /// <param name="firstPair">The pair of rows of B that A's columns begin at.</param>
    /// <param name="pairs">Pairs of rows of B from there.</param>
    /// <param name="columns">The first ones of B, a multiple of sixteen.</param>
    /// <param name="output">What is done with C, and whether it is fp32 or bf16.</param>
    /// <param name="c">C, [rows, columns].</param>
    /// <param name="cRow">From one row of C to the next.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void RunBriefly(in LeftFactor a, in Panels b, int firstPair, int pairs, int columns,
        GemmOutput output, void* c, long cRow)
    {
        for (int panel = 0; panel * Panels.Width < columns; panel++)
        {
            int width = b.ColumnsOf(panel),
                registers = Math.Min(Panels.Width, columns - (panel * Panels.Width)) / Bf16.Lanes;
            int blocks = a.Count / GemmMicrokernel.MostRows, rest = a.Count % GemmMicrokernel.MostRows;
            var work = new GemmWork
            {
                A = a.Data, ARow = a.Row, APair = a.Pair, B = (byte*)(b.Of(panel) + ((long)firstPair * width)),
                    BPair = width * sizeof(uint),
                C = (byte*)c + ((long)panel * Panels.Width * Bytes(output)), CRow = cRow * Bytes(output),
                    Start = NoStart, Pairs = pairs, Blocks = blocks,
            };
            if (blocks > 0)
                GemmMicrokernel.RunBriefly(GemmMicrokernel.MostRows, registers, output, ref work);
            work.Blocks = 1;
            if (rest > 0)
                GemmMicrokernel.RunBriefly(rest, registers, output, ref work);
        }
    }

    /// <summary>The pairs of each row of A one after another, as tiles read them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static LeftFactor Lines(uint* pairs, uint* lines, long row, int count)
    {
        for (int from = 0; from < count; from += Bf16.Lanes)
        {
            for (long pair = 0; pair < row; pair += Bf16.Lanes)
                SquareTranspose.Run(pairs + (pair * ColumnsAtOnce) + from, ColumnsAtOnce, lines + (from * row) + pair,
                    row);
        }
        return LeftFactor.Rows((ushort*)lines, 2 * row, count);
    }

    private static int Bytes(GemmOutput output) => output == GemmOutput.Bf16 ? sizeof(ushort) : sizeof(float);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Panel(in LeftFactor a, in Panels b, int panel, float* start, GemmOutput output, byte* c,
        long cRow)
    {
        int columns = b.ColumnsOf(panel);
        start = start is null ? NoStart : start + (panel * Panels.Width);
        if (b.Depth <= DepthAtOnce)
        {
            Rows(a, b.Of(panel), columns, 0, b.Pairs, start, output, c, cRow);
            return;
        }
        bool rounds = output == GemmOutput.Bf16;
        using var scratch = new Scratch(rounds ? (long)a.Count * columns : 0);
        float* sums = rounds ? scratch.Take((long)a.Count * columns) : (float*)c;
        long sumRow = rounds ? columns * sizeof(float) : cRow;
        for (int pair = 0; pair < b.Pairs; pair += DepthAtOnce / 2)
        {
            int pairs = Math.Min(DepthAtOnce / 2, b.Pairs - pair);
            bool first = pair == 0;
            Rows(a, b.Of(panel), columns, pair, pairs, first ? start : NoStart, first && output != GemmOutput.Added
                ? GemmOutput.Single : GemmOutput.Added,
                (byte*)sums, sumRow);
        }
        for (int row = 0; row < a.Count && rounds; row++)
            Bf16.Round(sums + ((long)row * columns), (ushort*)(c + (row * cRow)), columns);
    }

    /// <summary>All rows by some depth of a panel.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows(in LeftFactor a, uint* panel, int columns, int pair, int pairs, float* start,
        GemmOutput output, byte* c, long cRow)
    {
        if (TileMicrokernel.IsSupported && a.Pair == sizeof(uint) && pairs >= TileMicrokernel.PairsOfTile
            && (output != GemmOutput.Added || start == NoStart))
        {
            TileMicrokernel.Run(a, pair, pairs, panel + ((long)pair * columns), columns, start, output, c, cRow);
            return;
        }
        int registers = columns / Bf16.Lanes, blocks = a.Count / GemmMicrokernel.MostRows,
            rest = a.Count % GemmMicrokernel.MostRows;
        var work = new GemmWork
        {
            A = a.Data + (pair * a.Pair), ARow = a.Row, APair = a.Pair, B = (byte*)(panel + ((long)pair * columns)),
                BPair = columns * sizeof(uint),
            C = c, CRow = cRow, Start = start, Pairs = pairs, Blocks = blocks,
        };
        if (blocks > 0)
            GemmMicrokernel.Run(GemmMicrokernel.MostRows, registers, output, ref work);
        work.Blocks = 1;
        if (rest > 0)
            GemmMicrokernel.Run(rest, registers, output, ref work);
    }

    private static float* Zeros()
    {
        var zeros = (float*)System.Runtime.InteropServices.NativeMemory.AlignedAlloc(Panels.Width * sizeof(float),
            Panels.Width);
        new Span<float>(zeros, Panels.Width).Clear();
        return zeros; // for the life of the process
    }
}
