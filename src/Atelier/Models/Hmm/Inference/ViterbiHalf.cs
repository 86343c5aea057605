namespace Atelier.Models.Hmm.Inference;

/// <summary>Works at some times of a half.</summary>
/// <param name="first">The first index.</param>
/// <param name="count">Indices.</param>
/// <param name="likelihoods">Log-likelihoods of the first index; those of the next stand a step on.</param>
internal unsafe delegate void ViterbiWork(int first, int count, double* likelihoods);

/// <summary>
/// What the likeliest path needs of a half of a sequence, in the order of the work: from the sequence's beginning on,
/// or from its end back.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="sequence">The whole sequence.</param>
/// <param name="matrix">[states, width]: logarithms of the transitions out of each state, in the order of the
/// work.</param>
/// <param name="start">[width]: logarithms of the start probabilities; zeros from the end back.</param>
/// <param name="forward">Whether it goes from the beginning on.</param>
/// <param name="cancellation">Stops at the next block.</param>
internal sealed unsafe class ViterbiHalf(HmmModel model, HmmSequence sequence, AlignedBuffer matrix,
    AlignedBuffer start, bool forward, CancellationToken cancellation)
{
    private const int Block = 256;

    /// <summary>States.</summary>
    public int States => model.StateCount;

    /// <summary>States with padding.</summary>
    public int Width => model.Chain.Width;

    /// <summary>From one index's log-likelihoods to the next.</summary>
    public int Step => forward ? Width : -Width;

    /// <summary>[states, width].</summary>
    public double* Matrix => matrix.Pointer;

    /// <summary>The sum of the logarithms taken out of the likelihoods of all indices asked for.</summary>
    public double Logs { get; private set; }

    /// <summary>The best values of index 0.</summary>
    public void Begin(double* likelihoods, double* to)
    {
        HmmKernels.Scale(start.Pointer, 1, to, Width);
        HmmKernels.Add(likelihoods, to, Width);
    }

    /// <summary>Gives the log-likelihoods of some indices, a block at a time.</summary>
    public void ForBlocks(int first, int count, ViterbiWork work)
    {
        using var scratch = new AlignedBuffer((long)Math.Min(Block, count) * Width);
        for (int at = first; at < first + count; at += Block)
        {
            cancellation.ThrowIfCancellationRequested();
            int some = Math.Min(Block, first + count - at);
            Logs += model.Emissions.LogLikelihoods(sequence, forward ? at
                : sequence.Length - at - some, some, scratch.Pointer);
            work(at, some, forward ? scratch.Pointer : scratch.Pointer + ((some - 1) * Width));
        }
    }
}
