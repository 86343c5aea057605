using System.Runtime.InteropServices;
using Atelier.Tensors.Ranks;

namespace Atelier.Models.Hmm.Inference;

/// <summary>
/// The E step: the forward-backward algorithm. A sequence is processed from both ends at once: one thread computes the
/// forward vectors of its first half, another the backward vectors of its second half. Each then continues into the
/// other half, where the vectors of the opposite direction already exist. Vectors are scaled by powers of two, which
/// rounds nothing (compare Rabiner 1989, section V.A), at every fourth step. Sequences that underflow nevertheless are
/// recomputed in log space.
/// </summary>
internal static unsafe class ForwardBackward
{
    /// <summary>The most bytes for the vectors of half a sequence; above it they are checkpointed.</summary>
    internal const long Budget = 256L << 20;
    private const int Block = 256;
    private const int LongSequence = 4096; // below this length two threads cost more than they save
    private const int Groups = 16;
    private const double LeastProduct = 1e-200;
    private const double Ln2 = 0.693147180559945309417;

    /// <summary>
    /// Computes the expected counts of all sequences. Sequences are assigned to groups by their lengths alone and the
    /// groups are added in order, so that the sums do not depend on the number of threads and ranks.
    /// </summary>
    /// <exception cref="AtelierException">A sequence is impossible under the model.</exception>
    public static HmmStatistics Expect(HmmModel model, IReadOnlyList<HmmSequence> sequences,
        CancellationToken cancellation, ICommunicator? ranks = null)
    {
        long total = sequences.Sum(s => (long)s.Length);
        int groups = Math.Min(Groups, sequences.Count);
        var sums = new HmmStatistics[groups];
        int[] ends = new int[groups];
        long seen = 0;
        for (int i = 0, group = 0; i < sequences.Count; i++)
        {
            seen += sequences[i].Length;
            while (group < groups - 1 && seen * groups >= total * (group + 1))
                ends[group++] = i + 1;
        }
        ends[^1] = sequences.Count;
        ranks ??= SingleRank.Instance;
        int first = groups * ranks.Rank / ranks.Size, count = (groups * (ranks.Rank + 1) / ranks.Size) - first;
        InParallel.For(count, cancellation, number =>
        {
            int group = first + number;
            sums[group] = new HmmStatistics(model);
            for (int i = group == 0 ? 0 : ends[group - 1]; i < ends[group]; i++)
            {
                cancellation.ThrowIfCancellationRequested();
                if (sequences[i].Length > 0 && !TryExpect(model, sequences[i], sums[group], cancellation: cancellation))
                    LogSpace.Expect(model, sequences[i], sums[group], null, i, cancellation);
            }
        });
        if (ranks.Size > 1)
            Exchange(ranks, model, sums, first, count);
        for (int group = 1; group < groups; group++)
            sums[0].Add(sums[group]);
        return sums[0];
    }

    /// <summary>Fills in the sums of the groups that other ranks have computed.</summary>
    private static void Exchange(ICommunicator ranks, HmmModel model, HmmStatistics[] sums, int first, int count)
    {
        double[] own = [.. sums.Skip(first).Take(count).SelectMany(group => group.ToArray())];
        int group = 0, size = new HmmStatistics(model).ToArray().Length;
        foreach (byte[] bytes in ranks.Gather(MemoryMarshal.AsBytes(own.AsSpan())))
        {
            ReadOnlySpan<double> numbers = MemoryMarshal.Cast<byte, double>(bytes);
            for (; numbers.Length > 0; numbers = numbers[size..])
                sums[group++] = HmmStatistics.Of(model, numbers[..size]);
        }
    }

    /// <summary>
    /// Adds a sequence's expected counts to sums, and writes its posteriors [time, state] unless they are null.
    /// </summary>
    public static void Expect(HmmModel model, HmmSequence sequence, HmmStatistics sums, double[]? posteriors)
    {
        if (!TryExpect(model, sequence, sums, posteriors))
            LogSpace.Expect(model, sequence, sums, posteriors, 0);
    }

    /// <summary>
    /// As <see cref="Expect(HmmModel, HmmSequence, HmmStatistics, double[])"/>, but without falling back to log space:
    /// returns false and adds nothing if a number leaves the range of fp64.
    /// </summary>
    internal static bool TryExpect(HmmModel model, HmmSequence sequence, HmmStatistics sums,
        double[]? posteriors = null, long budget = Budget, CancellationToken cancellation = default)
    {
        int length = sequence.Length, half = (length + 1) / 2;
        using var ends = new BidirectionalPass(model, sequence, half, budget, cancellation);
        bool isLong = length > LongSequence;
        InParallel.Both(isLong, ends.Begin, ends.End);
        if (!ends.Prepare())
            return false;
        if (!isLong)
        {
            if (!ends.GoBack(sums, posteriors) || !ends.GoOn(sums, posteriors))
            {
                throw new InvalidOperationException(
                    "the forward and backward passes disagree on whether the sequence is possible");
            }
            return true;
        }
        HmmStatistics early = new(model), late = new(model);
        bool first = false, second = false;
        InParallel.Both(true, () => first = ends.GoBack(early, posteriors), () => second = ends.GoOn(late, posteriors));
        if (!first || !second)
            return false;
        sums.Add(early);
        sums.Add(late);
        return true;
    }

    /// <summary>The passes over a sequence from both of its ends.</summary>
    private sealed class BidirectionalPass(HmmModel model, HmmSequence sequence, int half, long budget,
        CancellationToken cancellation) : IDisposable
    {
        private readonly int _states = model.StateCount, _width = model.Chain.Width, _length = sequence.Length;
        private Trellis? _forward, _backward;
        private long _forwardExponent, _backwardExponent;
        private double _forwardLogs, _backwardLogs;
        private long _keptForward, _keptBackward;
        private double _keptLogs;
        private double _product; // of the forward and the backward vector at the middle

        /// <summary>Computes the forward vectors of times 0 to half − 1.</summary>
        public void Begin() => _forward = new Trellis(half, _width, budget, (first, count, before, to) =>
            _forwardLogs = Forward(first, count, (double*)before, (double*)to, first == 0 ? 0 : _forwardLogs,
                ref _forwardExponent));

        /// <summary>
        /// Computes the backward vectors multiplied by the likelihoods, v = b ∘ β, of times length − 1 down to half;
        /// index 0 is the last time.
        /// </summary>
        public void End() => _backward = new Trellis(_length - half, _width, budget, (first, count, before, to) =>
            _backwardLogs = Backward(first, count, (double*)before, (double*)to, first == 0 ? 0 : _backwardLogs,
                ref _backwardExponent));

        /// <summary>
        /// Saves the results of the first passes, because recomputing blocks changes them. Returns false if no state at
        /// the middle has a probability above zero in fp64.
        /// </summary>
        public bool Prepare()
        {
            (_keptForward, _keptBackward, _keptLogs) =
                (_forwardExponent, _backwardExponent, _forwardLogs + _backwardLogs);
            _product = HmmKernels.Sum(_forward!.Last, _width);
            if (_backward!.Times > 0)
            {
                double[] beta = new double[_width];
                fixed (double* b = beta, matrix = model.Chain.Transposed)
                {
                    HmmKernels.Multiply(_backward.Last, matrix, b, _states, _width);
                    _product = HmmKernels.Dot(_forward.Last, b, _width);
                }
            }
            return _product > LeastProduct && double.IsFinite(_keptLogs);
        }

        private double Forward(int first, int count, double* before, double* to, double logs, ref long exponent)
        {
            using var scratch = new AlignedBuffer(Math.Min(Block, count) * _width);
            fixed (double* matrix = model.Chain.Transitions, start = model.Chain.Start)
            {
                double* b = scratch.Pointer;
                for (int at = 0; at < count; at += Block)
                {
                    cancellation.ThrowIfCancellationRequested();
                    int some = Math.Min(Block, count - at), done = 0;
                    logs += model.Emissions.Likelihoods(sequence, first + at, some, b);
                    if (first + at == 0)
                    {
                        HmmKernels.Scale(start, b, 1, to, _width);
                        before = to;
                        done = 1;
                    }
                    exponent += HmmSteps.Advance(before, matrix, b + (done * _width), _width, to + (done * _width),
                        some - done, _states, _width);
                    to += some * _width;
                    before = to - _width;
                }
            }
            return logs;
        }

        private double Backward(int first, int count, double* before, double* to, double logs, ref long exponent)
        {
            using var scratch = new AlignedBuffer(Math.Min(Block, count) * _width);
            fixed (double* matrix = model.Chain.Transposed)
            {
                double* b = scratch.Pointer;
                for (int at = 0; at < count; at += Block)
                {
                    cancellation.ThrowIfCancellationRequested();
                    int some = Math.Min(Block, count - at), done = 0;
                    logs += model.Emissions.Likelihoods(sequence, _length - first - at - some, some, b);
                    double* latest = b + ((some - 1) * _width);
                    if (first + at == 0)
                    {
                        HmmKernels.Scale(latest, 1, to, _width);
                        before = to;
                        done = 1;
                    }
                    exponent += HmmSteps.Advance(before, matrix, latest - (done * _width), -_width,
                        to + (done * _width), some - done, _states, _width);
                    to += some * _width;
                    before = to - _width;
                }
            }
            return logs;
        }

        /// <summary>
        /// Continues the forward pass through the second half: adds the posteriors of its times and the transitions
        /// into each of them. Returns false if a time step has probability zero in fp64.
        /// </summary>
        public bool GoOn(HmmStatistics sums, double[]? posteriors)
        {
            using var scratch = new AlignedBuffer(((Block * 4) + 1) * _width);
            double* b = scratch.Pointer, gammas = b + (Block * _width), lefts = gammas + (Block * _width);
            double* rights = lefts + (Block * _width), alpha = rights + (Block * _width);
            fixed (double* matrix = model.Chain.Transitions, counts = sums.Transitions)
            {
                HmmKernels.Scale(_forward!.Last, 1, alpha, _width);
                for (int at = half; at < _length; at += Block)
                {
                    cancellation.ThrowIfCancellationRequested();
                    int some = Math.Min(Block, _length - at);
                    model.Emissions.Likelihoods(sequence, at, some, b);
                    _backward!.CopyDown(_length - 1 - at, some, rights);
                    double* first = rights + ((some - 1) * _width);
                    // Σ_ij α_i a_ij b_j β_j is the sequence's likelihood at all times, up to scaling.
                    var block = new PosteriorBlock((nint)b, (nint)lefts, (nint)gammas);
                    if (!HmmSteps.Meet(alpha, matrix, block, _width, first, some, _states, _width))
                        return false;
                    HmmKernels.AddOuterProducts(lefts, first, -_width, some, counts, _states, _width);
                    Finish(at, some, gammas, sums, posteriors);
                }
            }
            return true;
        }

        /// <summary>
        /// Continues the backward pass through the first half: adds the posteriors of its times and the transitions
        /// between them. Returns false if a time step has probability zero in fp64.
        /// </summary>
        public bool GoBack(HmmStatistics sums, double[]? posteriors)
        {
            using var scratch = new AlignedBuffer(((Block * 4) + 1) * _width);
            double* b = scratch.Pointer, gammas = b + (Block * _width), lefts = gammas + (Block * _width);
            double* rights = lefts + (Block * _width), v = rights + (Block * _width);
            sums.LogLikelihood += Math.Log(_product) + ((_keptForward + _keptBackward) * Ln2) + _keptLogs;
            fixed (double* matrix = model.Chain.Transposed, counts = sums.Transitions, starts = sums.Starts)
            {
                if (_backward!.Times == 0)
                    HmmKernels.Scale(_forward!.Last, 1 / _product, gammas, _width);
                else
                    HmmKernels.Scale(_backward.Last, 1, v, _width);
                for (int end = half; end > 0; end -= Block)
                {
                    cancellation.ThrowIfCancellationRequested();
                    int some = Math.Min(Block, end), from = end - some, last = (some - 1) * _width;
                    if (_backward.Times > 0)
                    {
                        model.Emissions.Likelihoods(sequence, from, some, b);
                        _forward!.CopyDown(end - 1, some, lefts);
                        var block = new PosteriorBlock((nint)(b + last), (nint)(rights + last), (nint)(gammas + last));
                        if (!HmmSteps.Meet(v, matrix, block, -_width, lefts + last, some, _states, _width))
                            return false;
                        // The transition from time half − 1 is counted by the other half.
                        int transitions = end == half ? some - 1 : some;
                        HmmKernels.AddOuterProducts(lefts, rights, _width, transitions, counts, _states, _width);
                    }
                    Finish(from, some, gammas, sums, posteriors);
                    if (from == 0)
                        HmmKernels.Add(gammas, starts, _width);
                }
            }
            return true;
        }

        public void Dispose()
        {
            _forward?.Dispose();
            _backward?.Dispose();
        }

        private void Finish(int from, int count, double* gammas, HmmStatistics sums, double[]? posteriors)
        {
            model.Emissions.Accumulate(sequence, from, count, gammas, sums.Emissions);
            for (int t = 0; t < count && posteriors is not null; t++)
                new Span<double>(gammas + (t * _width), _states).CopyTo(posteriors.AsSpan((from + t) * _states));
        }
    }
}
