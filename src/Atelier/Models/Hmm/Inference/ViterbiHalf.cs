namespace Atelier.Models.Hmm.Inference;

/// <summary>Processes a block of a half of a sequence.</summary>
/// <param name="first">The first index.</param>
/// <param name="count">The number of indices.</param>
/// <param name="likelihoods">The log-likelihoods at the first index; those at the next index are
/// <see cref="ViterbiHalf.Step"/> elements further.</param>
internal unsafe delegate void ViterbiWork(int first, int count, double* likelihoods);

/// <summary>
/// One half of a sequence as the Viterbi algorithm reads it, either forwards from the beginning or backwards from the
/// end. Indices count in that direction.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="sequence">The whole sequence.</param>
/// <param name="matrix">[states, width]: logarithms of the transitions out of each state, in that direction.</param>
/// <param name="start">[width]: logarithms of the start probabilities; zeros for the backward direction.</param>
/// <param name="forward">Whether the half is read forwards from the beginning.</param>
/// <param name="cancellation">Cancels the operation before the next block.</param>
internal sealed unsafe class ViterbiHalf(HmmModel model, HmmSequence sequence, AlignedBuffer matrix,
    AlignedBuffer start, bool forward, CancellationToken cancellation)
{
    private const int Block = 256;

    /// <summary>The number of states.</summary>
    public int States => model.StateCount;

    /// <summary>The number of states including padding.</summary>
    public int Width => model.Chain.Width;

    /// <summary>The offset from the log-likelihoods at one index to those at the next.</summary>
    public int Step => forward ? Width : -Width;

    /// <summary>[states, width]: logarithms of the transitions out of each state.</summary>
    public double* Matrix => matrix.Pointer;

    /// <summary>
    /// The sum of the logarithms of the factors by which the likelihoods were scaled down, over all indices read.
    /// </summary>
    public double Logs { get; private set; }

    /// <summary>Computes the log-probabilities at index 0 from its log-likelihoods.</summary>
    public void Begin(double* likelihoods, double* to)
    {
        HmmKernels.Scale(start.Pointer, 1, to, Width);
        HmmKernels.Add(likelihoods, to, Width);
    }

    /// <summary>Computes the log-likelihoods of a range of indices block by block, and processes each block.</summary>
    public void ForBlocks(int first, int count, ViterbiWork work)
    {
        using var scratch = new AlignedBuffer((long)Math.Min(Block, count) * Width);
        for (int at = first; at < first + count; at += Block)
        {
            cancellation.ThrowIfCancellationRequested();
            int some = Math.Min(Block, first + count - at);
            int from = forward ? at : sequence.Length - at - some;
            Logs += model.Emissions.LogLikelihoods(sequence, from, some, scratch.Pointer);
            work(at, some, forward ? scratch.Pointer : scratch.Pointer + ((some - 1) * Width));
        }
    }
}
