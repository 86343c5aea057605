using System.Runtime.InteropServices;

namespace Atelier.Generation;

/// <summary>
/// Cuts the text of a sample at its first stop string. Text that may be the beginning of a stop string is held back
/// until the text after it decides.
/// </summary>
internal sealed class StopStrings(IReadOnlyList<string> stops)
{
    private readonly List<char> _held = [];

    /// <summary>Whether a stop string has occurred.</summary>
    public bool Reached { get; private set; }

    /// <summary>Adds new text and returns the text that is certain to be part of the sample.</summary>
    public string Add(string text)
    {
        if (stops.Count == 0)
            return text;
        bool onlyThis = _held.Count == 0;
        _held.AddRange(text.AsSpan());
        ReadOnlySpan<char> held = CollectionsMarshal.AsSpan(_held);
        int first = First(held), certain = 0;
        Reached = first >= 0;
        if (Reached)
            return Release(first);
        while (certain < held.Length && !MayBegin(held[certain..]))
            certain++;
        if (!onlyThis || certain < held.Length)
            return Release(certain);
        _held.Clear();
        return text;
    }

    /// <summary>Returns the text that was held back, at the end of the sample.</summary>
    public string Finish() => Reached ? "" : Release(_held.Count);

    private int First(ReadOnlySpan<char> held)
    {
        int first = -1;
        for (int i = 0; i < stops.Count; i++)
        {
            int at = held.IndexOf(stops[i], StringComparison.Ordinal);
            if (at >= 0 && (first < 0 || at < first))
                first = at;
        }
        return first;
    }

    private bool MayBegin(ReadOnlySpan<char> end)
    {
        for (int i = 0; i < stops.Count; i++)
        {
            if (stops[i].AsSpan().StartsWith(end, StringComparison.Ordinal))
                return true;
        }
        return false;
    }

    private string Release(int length)
    {
        string text = length == 0 ? "" : new string(CollectionsMarshal.AsSpan(_held)[..length]);
        _held.RemoveRange(0, length);
        return text;
    }
}
