using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using Atelier.Generation.Speculative;

namespace Atelier.Generation;

/// <summary>
/// The requests of many callers in one batch. It has no thread of its own: whoever waits for a piece takes the next
/// step for all requests, and no lock is held while a caller reads its pieces. A caller that reads slowly is a few
/// steps behind at most; then its samples wait and the others continue. They leave when its enumerator is disposed.
/// </summary>
/// <param name="generator">The model, its tokenizer and its draft.</param>
/// <param name="turns">Entered by one caller at a time.</param>
internal sealed class SharedBatch(TextGenerator generator, SemaphoreSlim turns)
{
    private const int MostAhead = 32; // pieces of a sample that wait for their reader

    private readonly Dictionary<int, Reader> _readers = []; // by request; touched in turn
    private BatchedDecoder _batch = new(generator, sharesPrompts: false);

    /// <summary>Gives a request's pieces as they are written.</summary>
    /// <param name="drafts">Its samples, begun.</param>
    /// <param name="cancellation">Stops; waiting for a turn too.</param>
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

    /// <summary>Takes a step where no other caller's has brought a piece meanwhile.</summary>
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
            // The model failed, not a request: every caller learns of it, and later requests begin another batch.
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
        // No caller holds the turn for longer than a step.
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

    /// <summary>One request's caller: what was written for it and not yet looked at.</summary>
    private sealed class Reader(int samples)
    {
        public ConcurrentQueue<TextPiece> Pieces { get; } = new();

        public int Number { get; set; }

        /// <summary>Samples that have not ended; written in turn.</summary>
        public int Left { get; set; } = samples;

        /// <summary>Why nothing more comes; written and read in turn.</summary>
        public ExceptionDispatchInfo? Failure { get; set; }

        /// <summary>Whether it is so far ahead of its caller that it waits.</summary>
        public bool IsFull => Pieces.Count >= MostAhead * Left;
    }
}
