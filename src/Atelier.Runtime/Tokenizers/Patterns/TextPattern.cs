using System.Buffers;
using System.Text;

namespace Atelier.Tokenizers.Patterns;

/// <summary>
/// A regular expression of a tokenizer, in the syntax and with the meaning of Oniguruma, which Hugging Face's
/// tokenizers use: alternatives are tried in order, and characters are Unicode scalar values, which .NET's regular
/// expressions split beyond U+FFFF. It is a program for a machine with backtracking, whose steps are limited.
/// </summary>
internal sealed class TextPattern
{
    // The patterns of known tokenizers take fewer than 20 steps a character.
    private const long StepsPerCharacter = 2000, ExtraCharacters = 1000;
    private readonly PatternProgram _program;
    private readonly string _pattern;

    private TextPattern(string pattern, PatternProgram program) => (_pattern, _program) = (pattern, program);

    /// <summary>Reads a pattern.</summary>
    /// <exception cref="AtelierException">The pattern has a mistake, or a part that is not supported.</exception>
    public static TextPattern Read(string pattern) =>
        new(pattern, PatternProgram.Of(new PatternParser(pattern).Parse(), pattern));

    /// <summary>Returns the matches in a text from left to right, which do not overlap; they may be empty.</summary>
    /// <exception cref="AtelierException">The search takes too long.</exception>
    public List<(int Start, int End)> Matches(string text)
    {
        var machine = new Machine(_program.Instructions, text, _pattern);
        var matches = new List<(int, int)>();
        int at = 0, last = -1;
        while (at <= text.Length)
        {
            int end = machine.Match(0, at);
            // As in Rust, an empty match does not follow another match immediately.
            if (end >= 0 && !(end == at && at == last))
            {
                matches.Add((at, end));
                last = end;
                if (end > at)
                {
                    at = end;
                    continue;
                }
            }
            at += at < text.Length ? LengthAt(text, at) : 1;
        }
        return matches;
    }

    /// <summary>Returns a text with every match replaced.</summary>
    /// <exception cref="AtelierException">The search takes too long.</exception>
    public string Replace(string text, string replacement)
    {
        var result = new StringBuilder(text.Length);
        int at = 0;
        foreach ((int start, int end) in Matches(text))
        {
            result.Append(text.AsSpan(at, start - at)).Append(replacement);
            at = end;
        }
        return result.Append(text.AsSpan(at)).ToString();
    }

    private static int LengthAt(string text, int at)
    {
        _ = Decode(text, at, out int used);
        return used;
    }

    private static int Decode(string text, int at, out int used)
    {
        char first = text[at];
        used = 1;
        if (!char.IsSurrogate(first))
            return first;
        return Rune.DecodeFromUtf16(text.AsSpan(at), out Rune rune, out used) == OperationStatus.Done
            ? rune.Value
            : first; // a lone surrogate
    }

    private sealed class Machine(PatternInstruction[] program, string text, string pattern)
    {
        private readonly long _limit = StepsPerCharacter * (text.Length + ExtraCharacters);
        private readonly List<(int At, int Place, int Low)> _choices = [];
        private long _steps;

        /// <summary>Returns the end of the match that begins at a place, or -1.</summary>
        public int Match(int at, int place)
        {
            int floor = _choices.Count;
            while (true)
            {
                PatternInstruction step = program[at];
                bool matches = true;
                Count(1);
                switch (step.Kind)
                {
                    case InstructionKind.End:
                        _choices.RemoveRange(floor, _choices.Count - floor);
                        return place;
                    case InstructionKind.Character:
                        matches = place < text.Length && step.Class!.Contains(Decode(text, place, out int used))
                            && (place += used) > 0;
                        at++;
                        break;
                    case InstructionKind.Run:
                        matches = Run(step, ref place, ++at);
                        break;
                    case InstructionKind.Split:
                        _choices.Add((step.Other, place, place));
                        at = step.Next;
                        break;
                    case InstructionKind.Jump:
                        at = step.Next;
                        break;
                    case InstructionKind.Edge:
                        matches = IsAt(step.Edge, place);
                        at++;
                        break;
                    case InstructionKind.Look:
                        matches = Match(at + 1, place) >= 0 != step.IsNegated;
                        at = step.Next;
                        break;
                    case InstructionKind.Behind:
                        matches = IsBehind(step, at + 1, place) != step.IsNegated;
                        at = step.Next;
                        break;
                    default:
                        int end = Match(at + 1, place);
                        matches = end >= 0;
                        (place, at) = (end, step.Next);
                        break;
                }
                if (matches)
                    continue;
                if (_choices.Count == floor)
                    return -1;
                (at, place, int low) = _choices[^1];
                _choices.RemoveAt(_choices.Count - 1);
                if (place <= low)
                    continue;
                place = Before(place);
                if (place > low)
                    _choices.Add((at, place, low));
            }
        }

        /// <summary>Matches characters of a class, as many as possible, which may be given back one by one.</summary>
        private bool Run(PatternInstruction step, ref int place, int next)
        {
            int count = 0, low = step.Least == 0 ? place : -1;
            while ((step.Most < 0 || count < step.Most) && place < text.Length
                && step.Class!.Contains(Decode(text, place, out int used)))
            {
                place += used;
                if (++count == step.Least)
                    low = place;
            }
            Count(count);
            if (count < step.Least)
                return false;
            if (!step.IsNegated && place > low)
                _choices.Add((next, place, low));
            return true;
        }

        private bool IsBehind(PatternInstruction step, int body, int place)
        {
            int from = place;
            for (int count = 0; count < step.Least; count++)
            {
                if (from == 0)
                    return false;
                from = Before(from);
            }
            return Match(body, from) >= 0;
        }

        private int Before(int place) =>
            place >= 2 && char.IsSurrogatePair(text[place - 2], text[place - 1]) ? place - 2 : place - 1;

        private bool IsAt(PatternEdge edge, int place) => edge switch
        {
            PatternEdge.LineStart => place == 0 || text[place - 1] == '\n',
            PatternEdge.LineEnd => place == text.Length || text[place] == '\n',
            PatternEdge.TextStart => place == 0,
            PatternEdge.TextEnd => place == text.Length,
            PatternEdge.LastLineEnd => place == text.Length || (place == text.Length - 1 && text[place] == '\n'),
            _ => IsWordAt(place) != (place > 0 && IsWordAt(Before(place))) == (edge == PatternEdge.Word),
        };

        private bool IsWordAt(int place) =>
            place < text.Length && CharacterClass.Word.Contains(Decode(text, place, out _));

        private void Count(int steps)
        {
            _steps += steps;
            if (_steps > _limit)
                throw new AtelierException($"the regular expression '{pattern}' takes too long for a text of "
                    + $"{text.Length} characters", hint: "use a tokenizer with a simpler expression");
        }
    }
}
