using System.Text;

namespace Atelier.Generation.Chat;

/// <summary>
/// A formatted conversation that records which parts are texts of messages, so that no message can forge a mark of the
/// format.
/// </summary>
public sealed class ChatText
{
    private readonly StringBuilder _text = new();
    private readonly List<(int Start, int End)> _said = []; // from left to right

    /// <summary>The whole text.</summary>
    public string Text => _text.ToString();

    internal void Add(string form) => _text.Append(form);

    internal void Add(string before, string said, string after)
    {
        _text.Append(before);
        _said.Add((_text.Length, _text.Length + said.Length));
        _text.Append(said).Append(after);
    }

    /// <summary>Returns whether any character from one place to another, exclusive, is of a message.</summary>
    internal bool HasSaid(int from, int to)
    {
        int low = 0, high = _said.Count; // the first part that ends after the beginning
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_said[middle].End <= from)
                low = middle + 1;
            else
                high = middle;
        }
        return low < _said.Count && _said[low].Start < to;
    }
}
