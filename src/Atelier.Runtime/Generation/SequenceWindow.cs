using System.Runtime.InteropServices;
using Atelier.Abstractions;

namespace Atelier.Generation;

/// <summary>
/// The part of a sample's tokens that a model has read. When the model's context is full, the last half of it is read
/// again and generation continues from there.
/// </summary>
internal sealed class SequenceWindow : IDisposable
{
    private int _from;
    private int[] _block = [];

    /// <summary>The model's sequence; null before anything was read.</summary>
    public IDecodingSequence? Sequence { get; private set; }

    /// <summary>The number of tokens, from the first one, that were read in whole blocks.</summary>
    public int InBlocks { get; private set; }

    /// <summary>Makes room in the context for the unread tokens.</summary>
    /// <param name="model">The model that reads the tokens.</param>
    /// <param name="ids">All tokens of the sample.</param>
    /// <param name="shares">Whether to share a prefix that another live sequence has already read.</param>
    /// <returns>Number of unread tokens.</returns>
    public int Prepare(IBatchedLanguageModel model, List<int> ids, bool shares)
    {
        if (ids.Count - _from > model.ContextLength)
        {
            Sequence?.Dispose();
            Sequence = null;
            InBlocks = 0;
            _from = ids.Count - Math.Max(1, model.ContextLength / 2);
        }
        Sequence ??= shares ? model.CreateSequence(CollectionsMarshal.AsSpan(ids)[_from..]) : model.CreateSequence();
        return Unread(ids);
    }

    /// <summary>Returns the number of tokens that the model has not read.</summary>
    public int Unread(List<int> ids) => ids.Count - _from - (Sequence?.Length ?? 0);

    /// <summary>Returns the number of further tokens that fit into the model's context.</summary>
    public int Room(IBatchedLanguageModel model, List<int> ids) => model.ContextLength - (ids.Count - _from);

    /// <summary>Returns the tokens in the window, read and unread.</summary>
    public ReadOnlySpan<int> Tokens(List<int> ids) => CollectionsMarshal.AsSpan(ids)[_from..];

    /// <summary>Whether all that was read are whole blocks, and some number of tokens is unread.</summary>
    public bool ReadsWholeBlock(List<int> ids, int unread) =>
        (Sequence?.Length ?? 0) == InBlocks && Unread(ids) >= unread;

    /// <summary>Returns the next unread tokens, at most <paramref name="most"/>.</summary>
    public ReadOnlyMemory<int> Next(List<int> ids, int most)
    {
        int count = Math.Min(Unread(ids), most);
        if (_block.Length < count)
            _block = new int[count];
        ids.CopyTo(_from + Sequence!.Length, _block, 0, count);
        return _block.AsMemory(0, count);
    }

    /// <summary>Counts tokens that the model has just read.</summary>
    /// <param name="count">The number of tokens.</param>
    /// <param name="block">The number of tokens in a whole block.</param>
    public void Advance(int count, int block)
    {
        if (count == block && Sequence!.Length - count == InBlocks)
            InBlocks += count;
    }

    /// <summary>Continues from the first tokens that another window has read in whole blocks.</summary>
    public void TakeOver(SequenceWindow other, int count)
    {
        Sequence?.Dispose();
        Sequence = other.Sequence!.Fork();
        Sequence.Truncate(count);
        InBlocks = count;
    }

    /// <summary>
    /// Removes the tokens that were read at positions from <paramref name="count"/> on, which are rejected proposals.
    /// </summary>
    public void KeepBefore(int count)
    {
        if (Sequence is not null && Sequence.Length > count - _from)
            Sequence.Truncate(count - _from);
    }

    /// <summary>Continues from the tokens that another window has read.</summary>
    public void Fork(SequenceWindow other) =>
        (_from, Sequence, InBlocks) = (other._from, other.Sequence!.Fork(), other.InBlocks);

    public void Dispose() => Sequence?.Dispose();
}
