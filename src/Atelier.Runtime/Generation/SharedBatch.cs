using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using Atelier.Generation.Speculative;

namespace Atelier.Generation;

/// <summary>
/// Runs the requests of many callers in one batch. It has no thread of its own: a caller that waits for a piece takes
/// the next step for all requests, and no lock is held while a caller processes its pieces. If a caller reads slowly,
/// its samples wait after a few steps and the others continue. The samples of a request leave the batch when its
/// enumerator is disposed.
/// </summary>
/// <param name="generator">The model, its tokenizer and its draft.</param>
/// <param name="turns">The semaphore that a caller holds during a step.</param>
internal sealed class SharedBatch(TextGenerator generator, SemaphoreSlim turns)
{
    private const int MaxUnreadPieces = 32; // pieces per sample that may wait for their reader

    // by request number; accessed only while holding the semaphore
    private readonly Dictionary<int, Reader> _readers = [];
    private BatchedDecoder _batch = new(generator, sharesPrompts: false);

    /// <summary>Returns the pieces of a request as they are generated.</summary>
    /// <param name="drafts">The samples of the request.</param>
    /// <param name="cancellation">Cancels the request, also while it waits for the semaphore.</param>
    public async IAsyncEnumerable<TextPiece> StreamAsync(
        TextDraft[] drafts, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var reader = new Reader(drafts.Length);
        await turns.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            reader.Number = _batch.Join(drafts);
            _readers.Add(reader.Number, reader);
        }
        finally
        {
            turns.Release();
        }
        try
        {
            for (int left = drafts.Length; left > 0;)
            {
                cancellation.ThrowIfCancellationRequested();
                if (!reader.Pieces.TryDequeue(out TextPiece piece))
                {
                    await AdvanceAsync(reader, cancellation).ConfigureAwait(false);
                    continue;
                }
                left -= piece.FinishReason is null ? 0 : 1;
                yield return piece;
            }
        }
        finally
        {
            await LeaveAsync(reader).ConfigureAwait(false);
        }
    }

    /// <summary>Takes a step unless another caller's step has produced a piece in the meantime.</summary>
    private async ValueTask AdvanceAsync(Reader reader, CancellationToken cancellation)
    {
        await turns.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            if (!reader.Pieces.IsEmpty)
                return;
            reader.Failure?.Throw();
            Step();
        }
        finally
        {
            turns.Release();
        }
    }

    private void Step()
    {
        IReadOnlyList<BatchedPiece> pieces;
        try
        {
            pieces = _batch.Step(number => _readers[number].IsFull);
        }
        catch (Exception e)
        {
            // The model failed, not a single request: every caller gets the error, and later requests start a new
            // batch.
            foreach (Reader reader in _readers.Values)
                reader.Failure = ExceptionDispatchInfo.Capture(e);
            _batch.Dispose();
            _readers.Clear();
            _batch = new(generator, sharesPrompts: false);
            throw;
        }
        foreach (BatchedPiece piece in pieces)
        {
            Reader reader = _readers[piece.Request];
            if (piece.Error is null)
                reader.Pieces.Enqueue(piece.Piece);
            else
                reader.Failure = ExceptionDispatchInfo.Capture(piece.Error);
            reader.Left -= piece.Piece.FinishReason is null ? 0 : 1;
            if (reader.Left == 0 || reader.Failure is not null)
                _readers.Remove(piece.Request); // its samples have left the batch
        }
    }

    private async ValueTask LeaveAsync(Reader reader)
    {
        if (reader.Left == 0)
            return;
        // The wait is short: no caller holds the semaphore for longer than a step.
        await turns.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        try
        {
            if (_readers.GetValueOrDefault(reader.Number) != reader)
                return;
            _readers.Remove(reader.Number);
            _batch.Remove(reader.Number);
        }
        finally
        {
            turns.Release();
        }
    }

    /// <summary>The reader of one request, with the pieces that it has not read yet.</summary>
    private sealed class Reader(int samples)
    {
        public ConcurrentQueue<TextPiece> Pieces { get; } = new();

        public int Number { get; set; }

        /// <summary>Number of samples that have not ended; written only while holding the semaphore.</summary>
        public int Left { get; set; } = samples;

        /// <summary>The error that ended the request, or null; accessed only while holding the semaphore.</summary>
        public ExceptionDispatchInfo? Failure { get; set; }

        /// <summary>Whether so many pieces are unread that the samples of the request must wait.</summary>
        public bool IsFull => Pieces.Count >= MaxUnreadPieces * Left;
    }
}
