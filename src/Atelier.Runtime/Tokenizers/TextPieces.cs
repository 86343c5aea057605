using System.Buffers;
using System.Text;
using Atelier.Tokenizers.Patterns;

namespace Atelier.Tokenizers;

/// <summary>A piece of a text.</summary>
/// <param name="Text">The piece.</param>
/// <param name="IsFirst">Whether it is the beginning of the whole text.</param>
internal readonly record struct CutPiece(string Text, bool IsFirst)
{
    /// <summary>Returns a part of the piece.</summary>
    public CutPiece Part(int from, int to) =>
        from == 0 && to == Text.Length ? this : new CutPiece(Text[from..to], IsFirst && from == 0);
}

/// <summary>Splits pieces of text at matches, with the behaviours of Hugging Face's tokenizers.</summary>
internal static class TextPieces
{
    public const string Isolated = "Isolated", Removed = "Removed", Contiguous = "Contiguous",
        MergedWithPrevious = "MergedWithPrevious", MergedWithNext = "MergedWithNext";

    /// <summary>The names of all behaviours.</summary>
    public static readonly string[] Behaviors = [Removed, Isolated, Contiguous, MergedWithPrevious, MergedWithNext];

    /// <summary>Returns the characters that match, each by itself, and the text between them.</summary>
    public static IEnumerable<(int End, bool IsMatch)> Runs(string text, Func<Rune, bool> isMatch)
    {
        for (int at = 0, from = 0; at < text.Length;)
        {
            bool matches = Rune.DecodeFromUtf16(text.AsSpan(at), out Rune rune, out int used) == OperationStatus.Done
                && isMatch(rune);
            if (matches && at > from)
                yield return (at, false);
            at += used;
            if (matches || at == text.Length)
                yield return (at, matches);
            if (matches)
                from = at;
        }
    }

    /// <summary>Returns the places of a string and the text between them.</summary>
    public static IEnumerable<(int End, bool IsMatch)> Matches(string text, string pattern, bool inverts)
    {
        for (int at = 0; at < text.Length;)
        {
            int next = text.IndexOf(pattern, at, StringComparison.Ordinal);
            if (next != at)
                yield return (next < 0 ? text.Length : next, inverts);
            if (next < 0)
                yield break;
            at = next + pattern.Length;
            yield return (at, !inverts);
        }
    }

    /// <summary>Returns the matches of a regular expression, which may be empty, and the text between them.</summary>
    public static IEnumerable<(int End, bool IsMatch)> Matches(string text, TextPattern pattern, bool inverts)
    {
        int at = 0;
        foreach ((int start, int end) in pattern.Matches(text))
        {
            if (start != at)
                yield return (start, inverts);
            yield return (end, !inverts);
            at = end;
        }
        if (at != text.Length)
            yield return (text.Length, inverts);
    }

    /// <summary>Joins or removes neighbouring parts as the behaviour of a splitting step says.</summary>
    public static List<CutPiece> Split(CutPiece piece, IEnumerable<(int End, bool IsMatch)> parts, string behavior)
    {
        List<CutPiece> pieces = [];
        int from = 0, at = 0;
        bool? last = null; // whether the part before matches
        foreach ((int end, bool isMatch) in parts)
        {
            bool joins = last is bool before && behavior switch
            {
                Contiguous => before == isMatch,
                MergedWithPrevious => isMatch && !before,
                MergedWithNext => before && !isMatch,
                _ => false,
            };
            if (!joins)
                Add(at);
            if (!joins)
                from = at;
            (last, at) = (isMatch, end);
        }
        Add(at);
        return pieces;

        void Add(int end)
        {
            if (end > from && !(behavior == Removed && last == true))
                pieces.Add(piece.Part(from, end));
        }
    }

    /// <summary>Splits a piece into parts of a number of characters.</summary>
    public static IEnumerable<CutPiece> OfLength(CutPiece piece, int length)
    {
        int from = 0, count = 0;
        for (int at = 0; at < piece.Text.Length;)
        {
            _ = Rune.DecodeFromUtf16(piece.Text.AsSpan(at), out _, out int used);
            at += used;
            if (++count % length != 0 && at < piece.Text.Length)
                continue;
            yield return piece.Part(from, at);
            from = at;
        }
    }

    /// <summary>
    /// Splits a piece where the script changes. Spaces and unassigned characters belong to the script before them, and
    /// the scripts of Japanese are one.
    /// </summary>
    public static IEnumerable<CutPiece> ByScript(CutPiece piece)
    {
        int from = 0, last = -1;
        for (int at = 0; at < piece.Text.Length;)
        {
            bool isWhole = Rune.DecodeFromUtf16(piece.Text.AsSpan(at), out Rune rune, out int used)
                == OperationStatus.Done;
            int script = isWhole ? ScriptOf(rune.Value) : UnicodeScripts.None;
            if (script != UnicodeScripts.None)
            {
                if (last >= 0 && script != last)
                    yield return piece.Part(from, at);
                if (script != last)
                    from = at;
                last = script;
            }
            at += used;
        }
        // Hugging Face's tokenizers drop text that is before the first script.
        if (last >= 0)
            yield return piece.Part(from, piece.Text.Length);
    }

    /// <summary>Returns whether a character belongs to a word: Unicode's definition of \w.</summary>
    public static bool IsOfWord(Rune rune) => CharacterClass.Word.Contains(rune.Value)
        || rune.Value is 0x200C or 0x200D;

    private static int ScriptOf(int character) => character switch
    {
        ' ' => UnicodeScripts.None,
        0x30FC => Han,
        _ => UnicodeScripts.Of(character) is var script && Japanese.Contains(script) ? Han : script,
    };

    private static readonly int Han = UnicodeScripts.Number("Han")!.Value;
    private static readonly int[] Japanese =
        [UnicodeScripts.Number("Hiragana")!.Value, UnicodeScripts.Number("Katakana")!.Value];
}
