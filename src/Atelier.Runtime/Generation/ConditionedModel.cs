using Atelier.Abstractions;

namespace Atelier.Generation;

/// <summary>
/// A model of targets, given its sources, as a language model. A state of n sequences has n sequences for each source.
/// </summary>
internal sealed class ConditionedModel(ISequenceToSequenceModel model, IReadOnlyList<ReadOnlyMemory<int>> sources)
    : ILanguageModel
{
    public int VocabularySize => model.VocabularySize;

    public int ContextLength => model.ContextLength;

    public IDecodingState CreateState(int sequences)
    {
        IDecodingState state = model.CreateState(sources);
        if (sequences > 1)
            state.Select([.. Enumerable.Range(0, sequences * sources.Count).Select(i => i / sequences)]);
        return state;
    }

    public IReadOnlyList<TokenScore[]> Score(IReadOnlyList<ReadOnlyMemory<int>> sequences,
        CancellationToken cancellation = default) =>
        throw new NotSupportedException("pairs are scored by the sequence-to-sequence model");

    public void Dispose()
    {
        // The adapter does not own the model.
    }
}
