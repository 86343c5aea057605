using System.Text.Json;

namespace Atelier.Generation.Constraints;

/// <summary>
/// Translates JSON schemas (draft 2020-12, the part that a grammar can express) into grammars. An unsupported keyword
/// is refused, so that every sample satisfies the schema.
/// </summary>
internal static class JsonSchemaReader
{
    private const int DeepestSchema = 64;

    /// <summary>Reads a schema.</summary>
    /// <param name="text">The schema, as JSON.</param>
    /// <param name="everyValue">Whether the texts are all values that satisfy the schema, provided that no name appears
    /// twice in an object. Otherwise they are those that people expect: of the types that the keywords apply to,
    /// without properties that the schema does not mention, and valid even if a name appears twice.</param>
    /// <exception cref="AtelierException">The text is not JSON or not a valid schema, uses an unsupported keyword, or
    /// is too large.</exception>
    public static Grammar Read(string text, bool everyValue = false)
    {
        if (!WellFormed.Is(text))
            throw new AtelierException("half a surrogate pair is not a character", "schema", "write whole characters");
        try
        {
            using JsonDocument document =
                JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = DeepestSchema });
            var references = new JsonReferences(document.RootElement);
            return new SchemaTranslator(new SchemaNormalizer(references), everyValue).Translate(references.Root);
        }
        catch (AtelierException e) when (e.Where is null)
        {
            throw e.At("schema");
        }
        catch (JsonException e)
        {
            throw new AtelierException($"not JSON: {e.Message.TrimEnd('.')}", "schema", inner: e);
        }
    }

    internal static AtelierException Wrong(string at, string what, string? hint = null) =>
        new(what, $"schema{at}", hint);
}
