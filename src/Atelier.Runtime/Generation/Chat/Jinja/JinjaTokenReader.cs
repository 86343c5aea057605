using System.Runtime.CompilerServices;

namespace Atelier.Generation.Chat.Jinja;

/// <summary>Reads the tokens of a template one after the other, and limits the depth of what is parsed.</summary>
/// <param name="tokens">The tokens of the template.</param>
internal abstract class JinjaTokenReader(List<JinjaToken> tokens)
{
    private const int Deepest = 100;
    private int _at;
    private int _depth;

    /// <summary>The next token.</summary>
    protected JinjaToken Next => tokens[_at];

    /// <summary>The token after the next one.</summary>
    protected JinjaToken After => tokens[Math.Min(_at + 1, tokens.Count - 1)];

    /// <summary>Reads the next token.</summary>
    protected JinjaToken Take() => tokens[_at < tokens.Count - 1 ? _at++ : _at];

    /// <summary>Reads a word or an operator if it is the next token, and returns whether it was.</summary>
    protected bool Skip(string text)
    {
        bool isNext = IsNext(text);
        _at += isNext ? 1 : 0;
        return isNext;
    }

    /// <summary>Returns whether a word or an operator is the next token.</summary>
    protected bool IsNext(string text) =>
        Next.Kind is JinjaTokenKind.Name or JinjaTokenKind.Sign && Next.Text == text;

    /// <summary>Reads a word or an operator, which must be the next token.</summary>
    protected void Expect(string text)
    {
        if (!Skip(text))
            throw Error($"expected '{text}', found {Found()}");
    }

    /// <summary>Reads a token of a kind, which must be the next token.</summary>
    protected void Expect(JinjaTokenKind kind, string text)
    {
        if (Next.Kind != kind)
            throw Error($"expected '{text}', found {Found()}");
        Take();
    }

    /// <summary>Reads a name, which must be the next token.</summary>
    protected string Name() =>
        Next.Kind == JinjaTokenKind.Name ? Take().Text : throw Error($"expected a name, found {Found()}");

    /// <summary>Returns an error at the next token's line.</summary>
    protected JinjaException Error(string message) => new JinjaException(message).At(Next.Line);

    /// <summary>Enters a nested expression or block; each call needs one of <see cref="Leave"/>.</summary>
    protected void Enter()
    {
        if (++_depth > Deepest || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw Error($"expressions and blocks are nested deeper than {Deepest}");
    }

    /// <summary>Leaves what <see cref="Enter"/> entered.</summary>
    protected void Leave() => _depth--;

    /// <summary>Returns the next token for an error.</summary>
    protected string Found() => Next.Kind == JinjaTokenKind.End ? "the end of the template"
        : $"'{(Next.Text.Length > 40 ? Next.Text[..40] : Next.Text)}'";
}
