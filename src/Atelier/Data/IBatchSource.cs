namespace Atelier.Data;

/// <summary>
/// Gives batches by number, the same batch for the same number always, so that a run resumes exactly.
/// </summary>
/// <typeparam name="TBatch">The batch of a step; disposed by the trainer after use if it is disposable.</typeparam>
public interface IBatchSource<out TBatch>
{
    /// <summary>Batches in one pass over the data.</summary>
    long BatchesPerEpoch { get; }

    /// <summary>Items (tokens, pictures, rows) in one batch.</summary>
    long ItemsPerBatch { get; }

    /// <summary>
    /// The batch of that number, from 0; numbers go on past an epoch. Called from one thread at a time.
    /// </summary>
    TBatch Get(long number);
}
