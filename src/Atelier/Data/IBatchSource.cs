namespace Atelier.Data;

/// <summary>
/// Returns batches by number. A number always gives the same batch, so that a resumed run continues exactly.
/// </summary>
/// <typeparam name="TBatch">The type of a batch. If it is disposable, the trainer disposes it after use.</typeparam>
public interface IBatchSource<out TBatch>
{
    /// <summary>The number of batches in one pass over the data.</summary>
    long BatchesPerEpoch { get; }

    /// <summary>The number of items (tokens, images, rows) in one batch.</summary>
    long ItemsPerBatch { get; }

    /// <summary>
    /// Returns the batch with the given number, from 0. Numbers continue across epochs. Called from one thread at a
    /// time.
    /// </summary>
    TBatch Get(long number);
}
