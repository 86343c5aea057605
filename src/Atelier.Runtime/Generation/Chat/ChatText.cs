using System.Text;

namespace Atelier.Generation.Chat;

/// <summary>
/// A formatted conversation that records which parts are texts of messages, so that no message can forge a mark of the
/// format.
/// </summary>
public sealed class ChatText
{
    private readonly StringBuilder _text = new();
    private readonly List<(int Start, int End)> _said = [];

    /// <summary>The whole text.</summary>
    public string Text => _text.ToString();

    internal void Add(string form) => _text.Append(form);

    internal void Add(string before, string said, string after)
    {
        _text.Append(before);
        _said.Add((_text.Length, _text.Length + said.Length));
        _text.Append(said).Append(after);
    }

    internal bool IsSaid(int at) => _said.Exists(part => at >= part.Start && at < part.End);
}
