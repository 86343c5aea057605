using Atelier.Abstractions;
using Atelier.Tokenizers;

namespace Atelier.Generation.Constraints;

/// <summary>
/// Compiles constraints for a tokenizer and caches the last few, since a server often gets the same ones.
/// </summary>
internal sealed class ConstraintCache(Tokenizer tokenizer, IReadOnlyList<int> endIds)
{
    private const int Capacity = 8;
    private readonly Lazy<VocabularyTrie> _vocabulary = new(() => new VocabularyTrie(tokenizer));
    private readonly List<((string?, string?, string?) Key, TokenConstraint Constraint)> _compiled = [];

    /// <summary>Returns the constraint that options ask for, or null if there is none.</summary>
    /// <exception cref="AtelierException">The constraint is invalid, or no text can satisfy it.</exception>
    public TokenConstraint? For(DecodingOptions options)
    {
        (string?, string?, string?) key = (options.Pattern, options.Schema, options.Grammar);
        if (key == default)
            return null;
        lock (_compiled)
        {
            int known = _compiled.FindIndex(c => c.Key == key);
            TokenConstraint constraint = known >= 0 ? _compiled[known].Constraint : Compile(options);
            if (known >= 0)
                _compiled.RemoveAt(known);
            else if (_compiled.Count == Capacity)
                _compiled.RemoveAt(0);
            _compiled.Add((key, constraint));
            return constraint;
        }
    }

    private TokenConstraint Compile(DecodingOptions options)
    {
        (Grammar grammar, string where) = options switch
        {
            { Pattern: { } pattern } =>
                (new Grammar([RegexParser.Parse(pattern, whole: true)]), $"pattern '{pattern}'"),
            { Grammar: { } gbnf } => (AtelierException.At("grammar", () => GbnfReader.Read(gbnf)), "grammar"),
            _ => (JsonSchemaReader.Read(options.Schema!), "schema"),
        };
        return new TokenConstraint(grammar, _vocabulary.Value, tokenizer, endIds, where);
    }
}
