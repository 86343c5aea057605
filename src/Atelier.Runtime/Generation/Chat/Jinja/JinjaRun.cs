using System.Runtime.CompilerServices;

namespace Atelier.Generation.Chat.Jinja;

/// <summary>
/// One rendering of a template. Templates are untrusted: it counts the steps, the characters and the depth, and ends
/// the rendering at a limit, so that no template runs forever or fills the memory.
/// </summary>
/// <param name="clock">The clock of strftime_now.</param>
internal sealed class JinjaRun(TimeProvider clock)
{
    /// <summary>The largest number of steps: evaluated nodes, and items of lists.</summary>
    public const int MostSteps = 5_000_000;

    /// <summary>The largest number of characters of a rendered template.</summary>
    public const int MostOutput = 1 << 22;

    /// <summary>The largest depth of nested expressions, blocks, macros and values.</summary>
    public const int Deepest = 400;

    private const long MostMade = 1 << 26;
    private const long MostRead = 1 << 28;
    private long _steps, _made, _read, _output;
    private int _depth;

    /// <summary>The clock of strftime_now.</summary>
    public TimeProvider Clock => clock;

    /// <summary>The line of the template that is evaluated, for errors.</summary>
    public int Line { get; set; } = 1;

    /// <summary>Counts steps before they are done.</summary>
    /// <exception cref="JinjaException">The template takes too many.</exception>
    public void Step(long count = 1)
    {
        _steps += count;
        if (_steps > MostSteps || count > MostSteps)
            throw new JinjaException($"the template takes more than {MostSteps} steps");
    }

    /// <summary>Counts characters that are read, in comparisons and searches.</summary>
    /// <exception cref="JinjaException">The template reads too many.</exception>
    public void Read(long characters)
    {
        _read += characters;
        if (_read > MostRead)
            throw new JinjaException($"the template reads more than {MostRead} characters");
    }

    /// <summary>Counts the characters of a text before it is made.</summary>
    /// <exception cref="JinjaException">The template makes too many.</exception>
    public void Make(long characters)
    {
        _made += characters;
        if (_made > MostMade || characters > MostMade)
            throw new JinjaException($"the template makes texts of more than {MostMade} characters");
    }

    /// <summary>Counts the characters of a text, and returns it.</summary>
    public string Made(string text)
    {
        Make(text.Length);
        return text;
    }

    /// <summary>Counts the items of a list, and returns it.</summary>
    public List<object?> Made(List<object?> list)
    {
        Step(list.Count);
        return list;
    }

    /// <summary>Counts characters that are written to the output or a captured block.</summary>
    /// <exception cref="JinjaException">The template writes too many.</exception>
    public void Write(long characters)
    {
        _output += characters;
        if (_output > MostOutput)
            throw new JinjaException($"the template writes more than {MostOutput} characters");
    }

    /// <summary>Enters a nested node, block, macro or value; each call needs one of <see cref="Leave"/>.</summary>
    /// <exception cref="JinjaException">The nesting is too deep.</exception>
    public void Enter()
    {
        if (++_depth > Deepest || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw new JinjaException($"the template nests more than {Deepest} expressions, macros or values");
        Step();
    }

    /// <summary>Leaves what <see cref="Enter"/> entered.</summary>
    public void Leave() => _depth--;
}

/// <summary>
/// The variables at a place of a template. Those of a loop's iteration or a macro hide those of the scope around it.
/// </summary>
/// <param name="outer">The scope around; null for the template's variables.</param>
internal sealed class JinjaScope(JinjaScope? outer)
{
    private readonly Dictionary<string, object?> _values = [];

    public object? this[string name]
    {
        get
        {
            for (JinjaScope? scope = this; scope is not null; scope = scope.Outer)
            {
                if (scope._values.TryGetValue(name, out object? value))
                    return value;
            }
            return JinjaValues.Undefined;
        }
        set => _values[name] = value;
    }

    private JinjaScope? Outer => outer;
}
