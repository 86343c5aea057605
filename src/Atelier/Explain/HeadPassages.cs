using Atelier.Abstractions;
using Atelier.Data.Text;

namespace Atelier.Explain;

/// <summary>The passages on which attention heads are ranked.</summary>
internal static class HeadPassages
{
    private const int Most = 32, MostPredicted = 128;

    private delegate void Reading(long start, Span<int> passage);

    /// <summary>Returns passages of the held-out data.</summary>
    /// <exception cref="AtelierException">The model has another vocabulary, or there are too few tokens.</exception>
    public static IReadOnlyList<ReadOnlyMemory<int>> Of(TextData data, ILanguageModel model)
    {
        TokenFile held = data.Validation.Count > 1 ? data.Validation : data.Test.Count > 1 ? data.Test : data.Train;
        if (held.VocabularySize > model.VocabularySize)
            throw new AtelierException($"the data have {held.VocabularySize} tokens, the model "
                + $"{model.VocabularySize}", held.Path, "use the data that the model was trained with");
        return Divide(held.Count, model, (start, passage) => held.Read(start, passage));
    }

    /// <summary>Returns passages of a text.</summary>
    /// <exception cref="AtelierException">There are too few tokens.</exception>
    public static IReadOnlyList<ReadOnlyMemory<int>> Of(int[] ids, ILanguageModel model) =>
        Divide(ids.Length, model, (start, passage) => ids.AsSpan((int)start, passage.Length).CopyTo(passage));

    private static ReadOnlyMemory<int>[] Divide(long tokens, ILanguageModel model, Reading read)
    {
        if (tokens < 2)
            throw new AtelierException("there are too few tokens to predict one", Mention.Field("text"),
                "provide a longer text");
        int length = (int)Math.Min(tokens, Math.Min(model.ContextLength, MostPredicted) + 1);
        return [.. TokenWindows.Starts(tokens, length, Most).Select(start =>
        {
            int[] passage = new int[length];
            read(start, passage);
            return (ReadOnlyMemory<int>)passage;
        })];
    }
}
