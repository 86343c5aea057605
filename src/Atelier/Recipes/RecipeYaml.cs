using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Atelier.Recipes;

/// <summary>
/// Parses YAML into nodes that know their lines. A recipe may come from an untrusted source: size and depth are
/// limited, and aliases, which can expand without bound, are refused.
/// </summary>
internal static class RecipeYaml
{
    private const int MaximumLength = 1 << 20;
    private const int MaximumDepth = 16;

    /// <summary>Parses a mapping; an empty text gives an empty mapping.</summary>
    /// <param name="text">The YAML.</param>
    /// <param name="name">The name of the text in error messages, usually the path of the file.</param>
    public static RecipeMapping Read(string text, string name)
    {
        RecipeNode? node = ReadNode(text, line => $"{name}:{line}", name);
        return node switch
        {
            null => new RecipeMapping(name),
            RecipeMapping mapping => mapping,
            _ => throw new AtelierException($"a recipe is a list of 'key: value' lines, not {node.Shown}", node.Where,
                "begin with 'data:', 'model:' and 'training:' sections; "
                    + $"{Mention.Command("recipes show")} quickstart is an example"),
        };
    }

    /// <summary>Parses a value; all its nodes get the location <paramref name="where"/>.</summary>
    public static RecipeNode ReadValue(string text, string where) =>
        ReadNode(text, _ => where, where) ?? new RecipeScalar(where, "", quoted: false);

    private static RecipeNode? ReadNode(string text, Func<long, string> place, string name)
    {
        if (text.Length > MaximumLength)
            throw new AtelierException($"{text.Length} characters are too many for a recipe", name,
                "recipes are small: at most 1,048,576 characters");
        var parser = new Parser(new StringReader(text));
        try
        {
            parser.Consume<StreamStart>();
            if (parser.Accept<StreamEnd>(out _))
                return null;
            parser.Consume<DocumentStart>();
            RecipeNode node = Node(parser, place, depth: 0);
            parser.Consume<DocumentEnd>();
            if (!parser.Accept<StreamEnd>(out _))
                throw new AtelierException("a recipe is one YAML document, but a second one begins here",
                    place(parser.Current!.Start.Line), "remove the '---' line");
            return node;
        }
        catch (Exception e) when (e is not AtelierException)
        {
            // For some texts the parser throws exceptions other than YamlException.
            (string reason, long line) = e is YamlException faulty
                ? (Reason(faulty), faulty.Start.Line)
                : ("the parser cannot continue here", parser.Current?.End.Line ?? 1);
            throw new AtelierException($"not valid YAML: {reason}", place(Math.Max(1, line)),
                "check the indentation (spaces, no tabs) and put quotes around text with ':' or '#'", e);
        }
    }

    private static RecipeNode Node(Parser parser, Func<long, string> place, int depth)
    {
        string where = place(parser.Current is null ? 1 : parser.Current.Start.Line);
        if (depth > MaximumDepth)
            throw new AtelierException($"nested more than {MaximumDepth} deep",
                where, "recipes have two or three levels");
        if (parser.Accept<NodeEvent>(out NodeEvent? node) && node is { Tag: { IsEmpty: false, IsNonSpecific: false } })
        {
            throw new AtelierException($"the tag {node.Tag.Value} is not supported", place(node.Start.Line),
                "write the value without the tag, in quotes if it is text");
        }
        if (parser.TryConsume<Scalar>(out Scalar? scalar))
            return new RecipeScalar(place(scalar.Start.Line), scalar.Value, scalar.Style != ScalarStyle.Plain);
        if (parser.TryConsume<SequenceStart>(out SequenceStart? sequence))
        {
            var items = new List<RecipeNode>();
            while (!parser.TryConsume<SequenceEnd>(out _))
                items.Add(Node(parser, place, depth + 1));
            return new RecipeList(place(sequence.Start.Line), items);
        }
        if (parser.TryConsume<MappingStart>(out MappingStart? start))
            return Mapping(parser, place, place(start.Start.Line), depth);
        if (parser.TryConsume<AnchorAlias>(out AnchorAlias? alias))
            throw new AtelierException($"aliases such as *{alias.Value} are not allowed in recipes",
                place(alias.Start.Line), "write the value itself");
        throw new AtelierException("a value is missing", where, "write it after the colon");
    }

    private static RecipeMapping Mapping(Parser parser, Func<long, string> place, string where, int depth)
    {
        var mapping = new RecipeMapping(where);
        while (!parser.TryConsume<MappingEnd>(out _))
        {
            if (Node(parser, place, depth + 1) is not RecipeScalar key)
                throw new AtelierException("a key must be a single word", where, "write 'key: value'");
            if (!mapping.Add(key.Text, key.Where, Node(parser, place, depth + 1)))
                throw new AtelierException($"'{key.Text}' appears twice in this section", key.Where,
                    "keep one of them");
        }
        return mapping;
    }

    private static string Reason(YamlException e)
    {
        string reason = e.InnerException is null ? e.Message : e.InnerException.Message;
        return reason.ReplaceLineEndings(" ").TrimEnd('.');
    }
}
