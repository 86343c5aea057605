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
    private readonly List<((string?, string?) Key, TokenConstraint Constraint)> _compiled = [];

    /// <summary>Returns the constraint that options ask for, or null if there is none.</summary>
    /// <exception cref="AtelierException">The constraint is invalid, or no text can satisfy it.</exception>
    public TokenConstraint? For(DecodingOptions options)
    {
        (string? pattern, string? schema) = (options.Pattern, options.Schema);
        if (pattern is null && schema is null)
            return null;
        lock (_compiled)
        {
            int known = _compiled.FindIndex(c => c.Key == (pattern, schema));
            TokenConstraint constraint = known >= 0 ? _compiled[known].Constraint : Compile(pattern, schema);
            if (known >= 0)
                _compiled.RemoveAt(known);
            else if (_compiled.Count == Capacity)
                _compiled.RemoveAt(0);
            _compiled.Add(((pattern, schema), constraint));
            return constraint;
        }
    }

    private TokenConstraint Compile(string? pattern, string? schema) => pattern is not null
        ? new TokenConstraint(new Grammar([RegexParser.Parse(pattern, whole: true)]), _vocabulary.Value, tokenizer,
            endIds, $"pattern '{pattern}'")
        : new TokenConstraint(JsonSchemaReader.Read(schema!), _vocabulary.Value, tokenizer, endIds, "schema");
}
