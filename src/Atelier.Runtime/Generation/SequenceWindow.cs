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
            _from = ids.Count - Math.Max(1, model.ContextLength / 2);
        }
        Sequence ??= shares ? model.CreateSequence(CollectionsMarshal.AsSpan(ids)[_from..]) : model.CreateSequence();
        return Unread(ids);
    }

    /// <summary>Returns the number of tokens that the model has not read.</summary>
    public int Unread(List<int> ids) => ids.Count - _from - (Sequence?.Length ?? 0);

    /// <summary>Returns the number of further tokens that fit into the model's context.</summary>
    public int Room(IBatchedLanguageModel model, List<int> ids) => model.ContextLength - (ids.Count - _from);

    /// <summary>Returns the next unread tokens, at most <paramref name="most"/>.</summary>
    public ReadOnlyMemory<int> Next(List<int> ids, int most)
    {
        int count = Math.Min(Unread(ids), most);
        if (_block.Length < count)
            _block = new int[count];
        ids.CopyTo(_from + Sequence!.Length, _block, 0, count);
        return _block.AsMemory(0, count);
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
    public void Fork(SequenceWindow other) => (_from, Sequence) = (other._from, other.Sequence!.Fork());

    public void Dispose() => Sequence?.Dispose();
}
