using Atelier.Abstractions;
using Atelier.Kernels;
using Atelier.Networks;

namespace Atelier.Runtime.Tests.Generation;

/// <summary>Scoring that is cancelled.</summary>
public sealed class BatchedScoringTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void A_long_sequence_is_left_at_the_next_step_and_its_place_in_the_model_is_given_back(int step)
    {
        using var stop = new CancellationTokenSource();
        var model = new CancellingModel(new HistoryModel(10, seed: 4), stop, step);
        int[][] sequences = [new int[10], new int[100_000]];
        Should.Throw<OperationCanceledException>(() =>
            BatchedScoring.Score(model, [.. sequences.Select(s => s.AsMemory())], KernelPath.Best, stop.Token));
        model.Steps.ShouldBe(step);
        model.Inner.Open.ShouldBe(0);
    }

    /// <summary>A model that cancels in one of its steps.</summary>
    private sealed class CancellingModel(HistoryModel inner, CancellationTokenSource stop, int at)
        : IBatchedLanguageModel
    {
        public HistoryModel Inner => inner;

        public int Steps { get; private set; }

        public int VocabularySize => inner.VocabularySize;

        public int ContextLength => inner.ContextLength;

        public IDecodingSequence CreateSequence() => inner.CreateSequence();

        public void Append(ReadOnlySpan<SequenceInput> inputs, Span<float> logits)
        {
            if (++Steps == at)
                stop.Cancel();
            inner.Append(inputs, logits);
        }

        public IDecodingState CreateState(int sequences) => inner.CreateState(sequences);

        public IReadOnlyList<TokenScore[]> Score(IReadOnlyList<ReadOnlyMemory<int>> sequences,
            CancellationToken cancellation = default) => throw new NotSupportedException();

        public void Dispose()
        {
        }
    }
}
