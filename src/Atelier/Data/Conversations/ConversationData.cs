using Atelier.Data.Text;
using Atelier.Generation;
using Atelier.Generation.Chat;
using Atelier.Tokenizers;

namespace Atelier.Data.Conversations;

/// <summary>
/// Conversations as tokens, split into training, validation and test parts, and stored in a folder that can be
/// reopened.
/// </summary>
public sealed class ConversationData : IDataSource
{
    internal const string TokenizerFileName = "tokenizer.json", GenerationFileName = "generation_config.json";
    internal const int LongestRow = 2048; // of recipes that do not set it: rows take memory

    private ConversationData(PreparedFacts facts, Tokenizer tokenizer, TextBounds bounds, string template,
        IReadOnlyList<ConversationPart> parts)
    {
        (Facts, Tokenizer, Bounds, Template) = (facts, tokenizer, bounds, template);
        (Train, Validation, Test) = (parts[0], parts[1], parts[2]);
    }

    /// <inheritdoc/>
    public Modality Modality => Modality.Conversations;

    /// <summary>Where the data came from, and notes of how they were prepared.</summary>
    public PreparedFacts Facts { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Notes => Facts.Notes;

    /// <summary>The tokenizer.</summary>
    public Tokenizer Tokenizer { get; }

    /// <summary>The tokens with which texts begin and end, such as the token that ends an answer.</summary>
    public TextBounds Bounds { get; }

    /// <summary>The chat template.</summary>
    public string Template { get; }

    /// <summary>The training part.</summary>
    public ConversationPart Train { get; }

    /// <summary>The validation part; may be empty.</summary>
    public ConversationPart Validation { get; }

    /// <summary>The test part; may be empty.</summary>
    public ConversationPart Test { get; }

    /// <summary>Opens a folder of prepared conversations.</summary>
    /// <exception cref="AtelierException">The folder does not hold them, or is damaged.</exception>
    public static ConversationData Open(string folder)
    {
        PreparedFacts facts = PreparedFacts.Read(folder);
        Tokenizer tokenizer = TokenizerFile.Load(Path.Combine(folder, TokenizerFileName));
        bool begins = !File.Exists(Path.Combine(folder, ChatTemplateFile.ConfigName)); // which says that it does not
        var generation = GenerationConfigFile.Read(Path.Combine(folder, GenerationFileName));
        var bounds = new TextBounds(generation.StartId ?? 0, generation.EndIds ?? [], begins);
        string template = ChatTemplateFile.Read(folder)
            ?? throw new AtelierException("the folder has no chat template", folder, "prepare the data again");
        var files = new List<TokenFile>();
        TokenFile Add(string path)
        {
            files.Add(TokenFile.Open(path));
            return files[^1];
        }

        try
        {
            return new ConversationData(facts, tokenizer, bounds, template,
                [.. ((Part[])[Part.Train, Part.Validation, Part.Test]).Select(part =>
                    new ConversationPart(Add(TokensPath(folder, part)), Add(AnswersPath(folder, part))))]);
        }
        catch
        {
            files.ForEach(file => file.Dispose());
            throw;
        }
    }

    /// <summary>Returns the largest number of tokens of a row.</summary>
    /// <param name="section">The section of the recipe.</param>
    /// <param name="contextLength">The context length of the model; null if it is not known.</param>
    internal static int RowLength(Recipes.ConversationsSection section, int? contextLength) =>
        Math.Min(section.MaxLength ?? LongestRow, contextLength ?? int.MaxValue);

    internal static string TokensPath(string folder, Part part) =>
        Path.Combine(folder, part.ToString().ToLowerInvariant() + ".tokens");

    internal static string AnswersPath(string folder, Part part) =>
        Path.Combine(folder, part.ToString().ToLowerInvariant() + ".answers");

    /// <summary>Returns these data with the training part of others, and closes what neither has a use for.</summary>
    internal ConversationData Learning(ConversationData? learned)
    {
        if (learned is null)
            return this;
        Train.Dispose();
        learned.Validation.Dispose();
        learned.Test.Dispose();
        return new ConversationData(Facts, Tokenizer, Bounds, Template, [learned.Train, Validation, Test]);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Train.Dispose();
        Validation.Dispose();
        Test.Dispose();
    }
}
