using Atelier.Abstractions;
using Atelier.Data;
using Atelier.Data.Conversations;
using Atelier.Formats;
using Atelier.Generation;
using Atelier.Generation.Chat;
using Atelier.Recipes;
using Atelier.Tasks.Text;
using Atelier.Tokenizers;

namespace Atelier.Tasks.Conversations;

/// <summary>What a model of text learns from conversations.</summary>
internal static class ConversationLessons
{
    /// <summary>Returns the lessons of prepared conversations.</summary>
    public static TextLessons Of(ConversationData data, Recipe recipe)
    {
        ConversationsSection section = recipe.Data.Conversations;
        ConversationBatches Batches(ConversationPart part, int contextLength, bool shuffled) => new(part,
            recipe.Training.BatchSize, ConversationData.RowLength(section, contextLength), section.Packing, recipe.Seed,
            shuffled);
        return new TextLessons(data.Tokenizer,
            length => (Batches(data.Train, length, shuffled: true),
                data.Validation.Count == 0 ? null : Batches(data.Validation, length, shuffled: false)),
            folder => WriteFiles(folder, data, recipe.Generation.Decoding),
            parameters => Card(data, recipe, parameters),
            model => Sample(data, recipe, model));
    }

    /// <summary>Writes the tokenizer, the template and the tokens that end an answer.</summary>
    private static void WriteFiles(string folder, ConversationData data, DecodingOptions decoding)
    {
        TextLessons.WriteFiles(folder, data.Tokenizer, decoding, data.Bounds.StartId, data.Bounds.EndIds);
        AtomicFile.WriteText(Path.Combine(folder, ChatTemplateFile.FileName), data.Template);
        if (!data.Bounds.StartsPrompts)
            AtomicFile.WriteText(Path.Combine(folder, ChatTemplateFile.ConfigName), """{ "add_bos_token": false }""");
    }

    private static string Card(ConversationData data, Recipe recipe, long parameters) => FormattableString.Invariant(
        $"""
        ---
        pipeline_tag: text-generation
        ---
        # {recipe.Name}

        {recipe.Description ?? $"A model of the family {recipe.Model.Family} that answers in conversations, "
            + $"{StartingWeights.Origin(recipe)}."}

        | | |
        |---|---|
        | family | {recipe.Model.Family} |
        | parameters | {parameters} |
        | vocabulary | {data.Tokenizer.VocabularySize} ({data.Tokenizer.Kind}) |
        | trained on | {SourceFiles.PublicName(data.Facts.Source)}, {Quantity.Of(data.Train.Count, "conversation")}, {
            Quantity.Of(data.Train.TokenCount, "token")}; the loss is of answers alone |
        | seed | {recipe.Seed} |{StartingWeights.CardRows(recipe)}

        It answers as its training conversations do, right or wrong; judge its answers before you use them.
        chat_template.jinja is the template of its conversations.

        """);

    /// <summary>An answer to the beginning of a held-out conversation, or of a training one.</summary>
    private static (TextGenerator Generator, GenerationRequest Request) Sample(ConversationData data, Recipe recipe,
        ILanguageModel model)
    {
        ConversationPart part = data.Validation.Count > 0 ? data.Validation : data.Train;
        int[] ids = part.Ids(0);
        int start = Math.Clamp(Array.IndexOf(part.Answers(0), true), 1, model.ContextLength - 1);
        var generator = new TextGenerator(model, data.Tokenizer, TextLessons.Preview(recipe), data.Bounds);
        return (generator, new GenerationRequest { PromptIds = ids[..start], Seed = recipe.Seed });
    }
}
