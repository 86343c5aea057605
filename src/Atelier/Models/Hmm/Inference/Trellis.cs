using System.Runtime.InteropServices;

namespace Atelier.Models.Hmm.Inference;

/// <summary>
/// Forward or backward vectors of a stretch of times. All of them are kept where they fit the budget; otherwise only
/// the one before each block of about √T, from which a block is worked out again when it is asked for.
/// </summary>
internal sealed unsafe class Trellis : IDisposable
{
    private readonly int _block; // times a block
    private readonly int _width;
    private readonly double* _all; // [times, width], or one block
    private readonly double* _before; // [blocks, width]: the vector before each block; null where all are kept
    private readonly Action<int, int, nint, nint> _work; // (first, count, vector before, vectors)
    private int _present = -1;

    /// <summary>Works out a stretch, in order of its indices.</summary>
    /// <param name="times">Times in the stretch.</param>
    /// <param name="width">Numbers a vector.</param>
    /// <param name="budget">Bytes that all vectors may take.</param>
    /// <param name="work">Works out the vectors of some indices from the one before them: first index, count, the one
    /// before, where to.</param>
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
            Dispose(); // nobody else can
            throw;
        }
    }

    /// <summary>Times.</summary>
    public int Times { get; }

    /// <summary>Numbers a vector.</summary>
    public int Width => _width;

    /// <summary>Blocks.</summary>
    public int Blocks { get; }

    /// <summary>The last vector.</summary>
    public double* Last { get; }

    /// <summary>The vector of an index; valid until one of another block is asked for.</summary>
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
    /// Copies the vectors up to an index; those of the highest indices are worked out first, as goes well with asking
    /// for lower ones next.
    /// </summary>
    /// <param name="last">The highest index.</param>
    /// <param name="count">Vectors.</param>
    /// <param name="to">[count, width], in the order of indices.</param>
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
