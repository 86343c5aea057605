namespace Atelier.Decoding;

/// <summary>Gives a sample's text out up to its first stop string, holding back what may be the beginning of one.</summary>
internal sealed class StopStrings(IReadOnlyList<string> stops)
{
    private string _held = "";

    /// <summary>Whether a stop string has come.</summary>
    public bool Reached { get; private set; }

    /// <summary>Takes new text and gives what is certain to be part of the sample.</summary>
    public string Add(string text)
    {
        if (stops.Count == 0)
            return text;
        _held += text;
        int first = stops.Select(stop => _held.IndexOf(stop, StringComparison.Ordinal)).Where(at => at >= 0).DefaultIfEmpty(-1).Min();
        if (first >= 0)
        {
            Reached = true;
            return Give(first);
        }
        int certain = 0;
        while (certain < _held.Length && !stops.Any(stop => stop.StartsWith(_held[certain..], StringComparison.Ordinal)))
            certain++;
        return Give(certain);
    }

    /// <summary>What was held back, now that nothing more comes.</summary>
    public string Finish() => Reached ? "" : Give(_held.Length);

    private string Give(int length)
    {
        string text = _held[..length];
        _held = _held[length..];
        return text;
    }
}
