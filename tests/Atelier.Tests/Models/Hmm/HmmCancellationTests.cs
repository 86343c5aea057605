using Atelier.Abstractions;
using Atelier.Models.Hmm;
using Atelier.Models.Hmm.Emissions;
using Atelier.Models.Hmm.Inference;

namespace Atelier.Tests.Models.Hmm;

/// <summary>One long sequence is left at the next block of 256 times after a cancellation.</summary>
public sealed class HmmCancellationTests
{
    private const int States = 9; // more than the eight of the packed path
    private const int Length = 40_000;
    private const int PassBlocks = 2 * ((Length / 2 / 256) + 1); // both halves

    [Theory]
    [InlineData(5)]
    [InlineData(PassBlocks + 5)]
    public void Expectation_stops_at_the_next_block_of_either_pass(int at)
    {
        using var stop = new CancellationTokenSource();
        HmmModel model = Model(States, stop, at, out CancellingEmissions emissions);
        Should.Throw<OperationCanceledException>(() => ForwardBackward.Expect(model, [Symbols()], stop.Token));
        emissions.Blocks.ShouldBeInRange(at, at + 1, "the other half may have been in a block of its own");
    }

    [Fact]
    public void Expectation_in_logarithms_stops()
    {
        using var stop = new CancellationTokenSource();
        HmmModel model = Model(States, stop, at: 1, out CancellingEmissions emissions);
        Should.Throw<OperationCanceledException>(() =>
            LogSpace.Expect(model, Symbols(), new HmmStatistics(model), null, 0, stop.Token));
        emissions.Accumulated.ShouldBe(0);
    }

    [Fact]
    public void Likelihood_stops_at_the_next_block()
    {
        using var stop = new CancellationTokenSource();
        HmmModel model = Model(States, stop, at: 5, out CancellingEmissions emissions);
        Should.Throw<OperationCanceledException>(() => model.LogLikelihoods([Symbols()], stop.Token));
        emissions.Blocks.ShouldBe(5);
    }

    [Theory]
    [InlineData(States, ForwardBackward.Budget)]
    [InlineData(States, 1000)]
    [InlineData(3, ForwardBackward.Budget)]
    public void The_likeliest_path_stops_at_the_next_block(int states, long budget)
    {
        using var stop = new CancellationTokenSource();
        HmmModel model = Model(states, stop, at: 5, out CancellingEmissions emissions);
        Should.Throw<OperationCanceledException>(() => Viterbi.Run(model, Symbols(), budget, stop.Token));
        emissions.Blocks.ShouldBeInRange(5, 6, "the other half may have been in a block of its own");
    }

    [Fact]
    public void Scoring_one_long_text_stops_within_it()
    {
        using var stop = new CancellationTokenSource();
        var text = new HmmTextModel(new HmmModel(Chain(States), Uniform(States)), endOfTextId: null);
        Should.Throw<OperationCanceledException>(() =>
            text.Score(new CancellingList([new int[Length]], stop), stop.Token));
    }

    [Fact]
    public void An_explanation_stops()
    {
        var text = new HmmTextModel(new HmmModel(Chain(States), Uniform(States)), endOfTextId: null);
        Should.Throw<OperationCanceledException>(() =>
            text.Explain(new Tokenizers.ByteTokenizer(), new(canceled: true)));
    }

    private static HmmModel Model(int states, CancellationTokenSource stop, int at, out CancellingEmissions emissions)
    {
        emissions = new CancellingEmissions(Uniform(states), stop, at);
        return new HmmModel(Chain(states), emissions);
    }

    private static HmmChain Chain(int states) =>
        new(Equal(states, states), Equal(states * states, states));

    private static CategoricalEmissions Uniform(int states) =>
        new(states, Padding.Add(Equal(2 * states, 2), states, HmmKernels.Width(states)));

    private static double[] Equal(int count, int kinds) => [.. Enumerable.Repeat(1.0 / kinds, count)];

    private static HmmSequence Symbols() => HmmSequence.Of(new int[Length]);

    /// <summary>Counts the blocks that are asked for, and cancels at one of them.</summary>
    private sealed class CancellingEmissions(CategoricalEmissions inner, CancellationTokenSource stop, int at)
        : HmmEmissions(inner.StateCount)
    {
        private int _blocks, _accumulated;

        public int Blocks => _blocks;

        public int Accumulated => _accumulated;

        public override long FreeParameters => inner.FreeParameters;

        public override long StatisticsSize => inner.StatisticsSize;

        public override IReadOnlyDictionary<string, (double[] Values, long[] Shape)> Tensors => inner.Tensors;

        public override unsafe double Likelihoods(HmmSequence sequence, int from, int count, double* likelihoods)
        {
            if (Interlocked.Increment(ref _blocks) == at)
                stop.Cancel();
            return inner.Likelihoods(sequence, from, count, likelihoods);
        }

        public override unsafe void Accumulate(
            HmmSequence sequence, int from, int count, double* posteriors, double[] sums)
        {
            Interlocked.Increment(ref _accumulated);
            inner.Accumulate(sequence, from, count, posteriors, sums);
        }

        public override HmmEmissions Maximise(double[] sums, HmmConfig config) => inner.Maximise(sums, config);

        public override IReadOnlyList<ExplanationTable> Explain(Func<int, string> names) => inner.Explain(names);
    }

    /// <summary>Cancels when a sequence is taken.</summary>
    private sealed class CancellingList(int[][] sequences, CancellationTokenSource stop)
        : IReadOnlyList<ReadOnlyMemory<int>>
    {
        public int Count => sequences.Length;

        public ReadOnlyMemory<int> this[int index]
        {
            get
            {
                stop.Cancel();
                return sequences[index];
            }
        }

        public IEnumerator<ReadOnlyMemory<int>> GetEnumerator() => throw new NotSupportedException();

        System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
