using System.Text;

namespace Atelier.Generation.Chat.Jinja;

/// <summary>
/// A template in Jinja, as chat templates use it, with the settings of Hugging Face's tools: trim_blocks removes the
/// line end after a tag, lstrip_blocks the spaces before it. Unsupported syntax is an error and is never ignored.
/// </summary>
/// <remarks>
/// A template only computes: it reads its variables and the clock, and writes a text. Steps, characters and depth are
/// limited (<see cref="JinjaRun"/>), so that it ends soon whatever it contains.
/// </remarks>
internal sealed class JinjaTemplate
{
    private const int LongestTemplate = 1 << 20;

    private readonly JinjaBlock _body;

    private JinjaTemplate(JinjaBlock body) => _body = body;

    /// <summary>Parses a template.</summary>
    /// <exception cref="JinjaException">The template is damaged or uses unsupported syntax.</exception>
    public static JinjaTemplate Parse(string template) =>
        template.Length <= LongestTemplate ? new JinjaTemplate(new JinjaParser(JinjaLexer.Cut(template)).Template())
            : throw new JinjaException($"it has {template.Length} characters; at most {LongestTemplate} are supported");

    /// <summary>Renders the template.</summary>
    /// <param name="variables">The variables: strings, whole numbers, booleans, null, and lists and dictionaries of
    /// them.</param>
    /// <param name="clock">The clock of strftime_now; null for the system's.</param>
    /// <exception cref="JinjaException">The template cannot be rendered with these variables.</exception>
    public string Render(IReadOnlyDictionary<string, object?> variables, TimeProvider? clock = null)
    {
        var run = new JinjaRun(clock ?? TimeProvider.System);
        var globals = new JinjaScope(null);
        JinjaFunctions.AddTo(globals);
        foreach ((string name, object? value) in variables)
            globals[name] = JinjaValues.From(value);
        var text = new StringBuilder();
        try
        {
            _body.Execute(run, new JinjaScope(globals), text);
        }
        catch (JinjaException e)
        {
            throw e.At(run.Line);
        }
        return text.ToString();
    }
}
