namespace Atelier.Tokenizers.Patterns;

/// <summary>What an instruction does.</summary>
internal enum InstructionKind
{
    /// <summary>The match is complete.</summary>
    End,

    /// <summary>Matches one character.</summary>
    Character,

    /// <summary>Matches several characters of one class.</summary>
    Run,

    /// <summary>Continues at one place, and at another if that fails.</summary>
    Split,

    /// <summary>Continues elsewhere.</summary>
    Jump,

    /// <summary>Tests a place.</summary>
    Edge,

    /// <summary>Tests what follows.</summary>
    Look,

    /// <summary>Tests what precedes.</summary>
    Behind,

    /// <summary>Matches a part whose first match is final.</summary>
    Atomic,
}

/// <summary>An instruction.</summary>
/// <param name="Kind">What it does.</param>
/// <param name="Next">The number of the instruction that follows it.</param>
/// <param name="Other">Of <see cref="InstructionKind.Split"/>: the other instruction.</param>
/// <param name="Class">The characters.</param>
/// <param name="Least">The least number of characters; of <see cref="InstructionKind.Behind"/> their number.</param>
/// <param name="Most">The greatest number of characters; -1 for any.</param>
/// <param name="IsNegated">Whether a test must fail; of <see cref="InstructionKind.Run"/> whether no character is given
/// back.</param>
/// <param name="Edge">The kind of place.</param>
internal readonly record struct PatternInstruction(InstructionKind Kind, int Next = 0, int Other = 0,
    CharacterClass? Class = null, int Least = 0, int Most = 0, bool IsNegated = false, PatternEdge Edge = default);

/// <summary>Translates a regular expression to instructions.</summary>
internal sealed class PatternProgram
{
    private const int MostInstructions = 20_000;
    private readonly List<PatternInstruction> _program = [];
    private readonly string _pattern;

    private PatternProgram(string pattern) => _pattern = pattern;

    /// <summary>The instructions; a match begins with the first.</summary>
    public PatternInstruction[] Instructions { get; private set; } = [];

    /// <summary>Translates an expression.</summary>
    /// <exception cref="AtelierException">It is too long, or has a part that is not supported.</exception>
    public static PatternProgram Of(PatternNode node, string pattern)
    {
        var program = new PatternProgram(pattern);
        program.Add(node);
        program._program.Add(new(InstructionKind.End));
        program.Instructions = [.. program._program];
        return program;
    }

    private void Add(PatternNode node)
    {
        if (_program.Count > MostInstructions)
            throw Unsupported($"is too long: it has more than {MostInstructions} parts");
        switch (node)
        {
            case CharacterNode character:
                _program.Add(new(InstructionKind.Character, Class: character.Class));
                break;
            case SequenceNode sequence:
                foreach (PatternNode part in sequence.Parts)
                    Add(part);
                break;
            case ChoiceNode choice:
                AddChoice(choice);
                break;
            case RepeatNode repeat:
                AddRepeat(repeat);
                break;
            case EdgeNode edge:
                _program.Add(new(InstructionKind.Edge, Edge: edge.Edge));
                break;
            case AtomicNode atomic:
                AddPart(new(InstructionKind.Atomic), atomic.Body);
                break;
            case LookNode { IsBehind: false } look:
                AddPart(new(InstructionKind.Look, IsNegated: look.IsNegated), look.Body);
                break;
            case LookNode look:
                AddBehind(look);
                break;
        }
    }

    private void AddPart(PatternInstruction instruction, PatternNode body)
    {
        int at = _program.Count;
        _program.Add(instruction);
        Add(body);
        _program.Add(new(InstructionKind.End));
        _program[at] = instruction with { Next = _program.Count };
    }

    private void AddBehind(LookNode look)
    {
        (int least, int most) = look.Body.Width;
        if (least != most)
            throw Unsupported("looks back at text of different lengths, which is not supported");
        AddPart(new(InstructionKind.Behind, Least: least, IsNegated: look.IsNegated), look.Body);
    }

    private void AddChoice(ChoiceNode choice)
    {
        List<int> ends = [];
        for (int i = 0; i < choice.Parts.Count; i++)
        {
            bool isLast = i == choice.Parts.Count - 1;
            int split = _program.Count;
            if (!isLast)
                _program.Add(default);
            Add(choice.Parts[i]);
            if (isLast)
                break;
            ends.Add(_program.Count);
            _program.Add(default);
            _program[split] = new(InstructionKind.Split, split + 1, _program.Count);
        }
        foreach (int end in ends)
            _program[end] = new(InstructionKind.Jump, _program.Count);
    }

    private void AddRepeat(RepeatNode repeat)
    {
        if (repeat.Kind == RepeatKind.Possessive && repeat.Body is not CharacterNode)
        {
            AddPart(new(InstructionKind.Atomic), repeat with { Kind = RepeatKind.Greedy });
            return;
        }
        if (repeat is { Body: CharacterNode one, Kind: not RepeatKind.Lazy })
        {
            _program.Add(new(InstructionKind.Run, Class: one.Class, Least: repeat.Least, Most: repeat.Most,
                IsNegated: repeat.Kind == RepeatKind.Possessive));
            return;
        }
        // Without this, a repetition of nothing would never end.
        if (repeat.Most is < 0 or > 1 && repeat.Body.Width.Least == 0)
            throw Unsupported("repeats a part that may be empty, which is not supported");
        for (int i = 0; i < repeat.Least; i++)
            Add(repeat.Body);
        if (repeat.Most < 0)
        {
            int split = _program.Count;
            _program.Add(default);
            Add(repeat.Body);
            _program.Add(new(InstructionKind.Jump, split));
            Choose(split, _program.Count);
            return;
        }
        List<int> splits = [];
        for (int i = repeat.Least; i < repeat.Most; i++)
        {
            splits.Add(_program.Count);
            _program.Add(default);
            Add(repeat.Body);
        }
        foreach (int split in splits)
            Choose(split, _program.Count);

        void Choose(int split, int end) => _program[split] = repeat.Kind == RepeatKind.Lazy
            ? new(InstructionKind.Split, end, split + 1)
            : new(InstructionKind.Split, split + 1, end);
    }

    private AtelierException Unsupported(string what) => new($"the regular expression '{_pattern}' {what}",
        hint: "use a model with a supported tokenizer: see docs/formats.md");
}
