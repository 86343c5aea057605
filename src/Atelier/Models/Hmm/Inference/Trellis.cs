using System.Runtime.InteropServices;

namespace Atelier.Models.Hmm.Inference;

/// <summary>
/// The forward or backward vectors of a range of time steps. All of them are stored if they fit the budget. Otherwise
/// only the vector before each block of about √T steps is stored, and blocks are recomputed from it on demand. Not
/// thread-safe.
/// </summary>
internal sealed unsafe class Trellis : IDisposable
{
    private readonly int _block; // time steps in a block
    private readonly int _width;
    private readonly double* _all; // [times, width], or one block
    private readonly double* _before; // [blocks, width]: the vector before each block; null where all are kept
    private readonly Action<int, int, nint, nint> _work; // (first, count, vector before, vectors)
    private int _present = -1; // the block that _all holds

    /// <summary>Computes all vectors once, in order of their indices.</summary>
    /// <param name="times">The number of time steps.</param>
    /// <param name="width">The length of a vector.</param>
    /// <param name="budget">The most bytes that the vectors may take; above it they are recomputed in blocks.</param>
    /// <param name="work">Computes consecutive vectors. Its arguments are the first index, the number of vectors, the
    /// address of the vector before them, and the address to write to.</param>
    public Trellis(int times, int width, long budget, Action<int, int, nint, nint> work)
    {
        (_width, _work) = (width, work);
        bool all = (long)times * width * sizeof(double) <= budget;
        _block = all ? Math.Max(1, times) : Math.Max(64, (int)Math.Sqrt(times));
        Blocks = (times + _block - 1) / _block;
        Times = times;
        _all = Allocate(_block);
        _before = all ? null : Allocate(Blocks);
        Last = Allocate(1);
        try
        {
            for (int block = 0; block < Blocks; block++)
            {
                if (_before is not null)
                    new Span<double>(Last, width).CopyTo(new Span<double>(_before + ((long)block * width), width));
                Fill(block, (nint)Last);
                int count = Math.Min(_block, times - (block * _block));
                new Span<double>(_all + ((long)(count - 1) * width), width).CopyTo(new Span<double>(Last, width));
            }
        }
        catch
        {
            Dispose(); // callers get no object that they could dispose
            throw;
        }
    }

    /// <summary>The number of time steps.</summary>
    public int Times { get; }

    /// <summary>The length of a vector.</summary>
    public int Width => _width;

    /// <summary>The number of blocks.</summary>
    public int Blocks { get; }

    /// <summary>The last vector.</summary>
    public double* Last { get; }

    /// <summary>The vector at an index. It is valid until a vector of another block is read.</summary>
    public double* this[int index]
    {
        get
        {
            int block = index / _block;
            if (block != _present)
                Fill(block, (nint)(_before + ((long)block * _width)));
            return _all + ((long)(index - (block * _block)) * _width);
        }
    }

    /// <summary>
    /// Copies the vectors up to an index. It starts with the highest indices, so that a following call for lower ones
    /// finds their block computed.
    /// </summary>
    /// <param name="last">The highest index.</param>
    /// <param name="count">The number of vectors.</param>
    /// <param name="to">[count, width]: receives the vectors in order of their indices.</param>
    public void CopyDown(int last, int count, double* to)
    {
        while (count > 0)
        {
            int some = Math.Min(count, (last % _block) + 1);
            double* from = this[last] - ((long)(some - 1) * _width);
            count -= some;
            new ReadOnlySpan<double>(from, some * _width)
                .CopyTo(new Span<double>(to + ((long)count * _width), some * _width));
            last -= some;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.AlignedFree(_all);
        NativeMemory.AlignedFree(_before);
        NativeMemory.AlignedFree(Last);
    }

    private void Fill(int block, nint before)
    {
        int first = block * _block;
        _work(first, Math.Min(_block, Times - first), before, (nint)_all);
        _present = block;
    }

    private double* Allocate(int vectors) =>
        (double*)NativeMemory.AlignedAlloc((nuint)Math.Max(1, vectors) * (nuint)_width * sizeof(double), 64);
}
