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

    /// <summary>Makes room for the tokens not read yet.</summary>
    /// <param name="model">What reads them.</param>
    /// <param name="ids">All tokens of the sample.</param>
    /// <param name="shares">Whether what another living sequence has read of them is shared.</param>
    /// <returns>How many those are.</returns>
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

    public int Unread(List<int> ids) => ids.Count - _from - (Sequence?.Length ?? 0);

    /// <summary>The most tokens that may still follow what a sample has, in the model's context.</summary>
    public int Room(IBatchedLanguageModel model, List<int> ids) => model.ContextLength - (ids.Count - _from);

    /// <summary>The next tokens not read yet, at most so many.</summary>
    public ReadOnlyMemory<int> Next(List<int> ids, int most)
    {
        int count = Math.Min(Unread(ids), most);
        if (_block.Length < count)
            _block = new int[count];
        ids.CopyTo(_from + Sequence!.Length, _block, 0, count);
        return _block.AsMemory(0, count);
    }

    /// <summary>Forgets what was read beyond all but a sample's last token: proposals that were refused.</summary>
    public void KeepBefore(int count)
    {
        if (Sequence is not null && Sequence.Length > count - _from)
            Sequence.Truncate(count - _from);
    }

    /// <summary>Goes on from what another has read.</summary>
    public void Fork(SequenceWindow other) => (_from, Sequence) = (other._from, other.Sequence!.Fork());

    public void Dispose() => Sequence?.Dispose();
}
