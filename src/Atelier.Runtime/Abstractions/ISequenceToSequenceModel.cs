namespace Atelier.Abstractions;

/// <summary>
/// A model of target sequences given a source sequence: an encoder reads the source, and a decoder predicts the next
/// token of the target. Several threads may use a model at the same time, each with its own states.
/// </summary>
public interface ISequenceToSequenceModel : IDisposable
{
    /// <summary>Number of token ids of sources.</summary>
    int SourceVocabularySize { get; }

    /// <summary>Number of token ids of targets.</summary>
    int VocabularySize { get; }

    /// <summary>The largest number of tokens of a source; <see cref="int.MaxValue"/> if there is no limit.</summary>
    int SourceLength { get; }

    /// <summary>
    /// The largest number of tokens of a target, including the start token; <see cref="int.MaxValue"/> if there is no
    /// limit.
    /// </summary>
    int ContextLength { get; }

    /// <summary>
    /// Encodes sources, and creates the state of an empty target sequence for each of them.
    /// <see cref="IDecodingState.Select"/> selects sources together with their targets.
    /// </summary>
    /// <param name="sources">The sources with all their special tokens, 1 to <see cref="SourceLength"/> tokens each;
    /// lengths may differ.</param>
    IDecodingState CreateState(IReadOnlyList<ReadOnlyMemory<int>> sources);

    /// <summary>
    /// Scores all tokens of each target except the first, given the source and the tokens before them. The result has
    /// one array for each target, one element shorter than the target.
    /// </summary>
    /// <param name="pairs">Sources and targets with all their special tokens; a target has up to
    /// <see cref="ContextLength"/> + 1 tokens.</param>
    /// <param name="cancellation">Cancels the operation between batches.</param>
    IReadOnlyList<TokenScore[]> Score(
        IReadOnlyList<(ReadOnlyMemory<int> Source, ReadOnlyMemory<int> Target)> pairs,
        CancellationToken cancellation = default);
}

/// <summary>The state of targets that also knows where the last step looked in the sources.</summary>
public interface IAlignedState : IDecodingState
{
    /// <summary>
    /// The share of attention that the last appended token of each target paid to each source token, averaged over
    /// heads, [sequences, longest source]: each row sums to 1, and is 0 at padding. Empty before the first token, and
    /// if the model has no attention.
    /// </summary>
    ReadOnlySpan<float> Alignments { get; }
}
