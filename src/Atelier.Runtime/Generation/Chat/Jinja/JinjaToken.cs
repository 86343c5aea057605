namespace Atelier.Generation.Chat.Jinja;

/// <summary>The kind of a token.</summary>
internal enum JinjaTokenKind
{
    /// <summary>Text outside tags.</summary>
    Data,

    /// <summary>The beginning of an output tag, {{.</summary>
    OutputStart,

    /// <summary>The end of an output tag, }}.</summary>
    OutputEnd,

    /// <summary>The beginning of a statement tag, {%.</summary>
    BlockStart,

    /// <summary>The end of a statement tag, %}.</summary>
    BlockEnd,

    /// <summary>A name or a keyword.</summary>
    Name,

    /// <summary>A string.</summary>
    Text,

    /// <summary>A whole number.</summary>
    Integer,

    /// <summary>A number with a fraction or an exponent.</summary>
    Float,

    /// <summary>An operator or a bracket.</summary>
    Sign,

    /// <summary>The end of the template.</summary>
    End,
}

/// <summary>A token of a template.</summary>
/// <param name="Kind">The kind of the token.</param>
/// <param name="Text">The text of the token; for a string, its value.</param>
/// <param name="Line">The line of the template, from 1.</param>
internal readonly record struct JinjaToken(JinjaTokenKind Kind, string Text, int Line);
