using System.Text.RegularExpressions;
using Atelier.Data.Text;
using Atelier.Exchange;
using Atelier.Formats;
using Atelier.Generation.Chat;
using Atelier.Recipes;
using Atelier.Tokenizers;

namespace Atelier.Data.Conversations;

/// <summary>The tokenizer and the template with which conversations are encoded.</summary>
/// <param name="Tokenizer">The tokenizer.</param>
/// <param name="Bounds">The tokens with which the model's texts begin and end.</param>
/// <param name="Template">The chat template, a Jinja program.</param>
internal sealed partial record ConversationForm(Tokenizer Tokenizer, TextBounds Bounds, string Template)
{
    private const string Key = "data.conversations.template";

    /// <summary>Returns the form of a model in a folder.</summary>
    /// <param name="folder">The folder of the bundle.</param>
    /// <param name="section">The section of the recipe, which may name another template.</param>
    /// <param name="added">Tokens to add to the tokenizer.</param>
    /// <exception cref="AtelierException">The model has no template, or its tokenizer lacks the marks of
    /// ChatML.</exception>
    public static ConversationForm Of(string folder, ConversationsSection section, IReadOnlyList<string> added)
    {
        var files = TextBundleFiles.Read(folder);
        Tokenizer tokenizer = added.Count == 0 ? files.Tokenizer
            : TokenizerFile.Load(TokenizerFile.PathIn(folder) ?? folder, added, special: true);
        string template = Named(section) ?? ChatTemplateFile.Read(folder)
            ?? throw new AtelierException("the model of training.from has no chat template", Key,
                "name a file with one; or write chatml, with "
                    + "training.extendVocabulary: [\"<|im_start|>\", \"<|im_end|>\"]");
        var names = Enumerable.Range(0, tokenizer.VocabularySize).Select(tokenizer.Name).ToHashSet();
        if (section.Template == ConversationsSection.ChatMl
            && Marks(template).FirstOrDefault(mark => !names.Contains(mark)) is { } lacking)
            throw new AtelierException($"the tokenizer of training.from lacks the token {lacking} of ChatML", Key,
                "set training.extendVocabulary: [\"<|im_start|>\", \"<|im_end|>\"]");
        return new ConversationForm(tokenizer, files.Bounds, template);
    }

    /// <summary>Makes the form of a new model: its tokenizer is trained, or read from the file that the recipe
    /// names.</summary>
    /// <param name="section">The data section of the recipe.</param>
    /// <param name="folder">The folder for the tokenizer's file.</param>
    /// <param name="training">The training conversations.</param>
    /// <param name="progress">Receives a message.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">The tokenizer or the template is missing or damaged.</exception>
    public static ConversationForm New(DataSection section, string folder, IEnumerable<Conversation> training,
        IProgress<string>? progress, CancellationToken cancellation)
    {
        string template = Named(section.Conversations) ?? ConversationEncoder.ChatMl;
        Tokenizer tokenizer = TextDataPreparation.MakeTokenizer(section.Tokenizer, [],
            training.Select(conversation => Plain(conversation, template)), progress, cancellation);
        string path = Path.Combine(folder, ConversationData.TokenizerFileName);
        tokenizer.Save(path);
        var names = Enumerable.Range(0, tokenizer.VocabularySize).Select(tokenizer.Name).ToHashSet();
        tokenizer = TokenizerFile.Load(path, [.. Marks(template).Where(mark => !names.Contains(mark))], special: true);
        int start = tokenizer.EndOfTextId ?? tokenizer.Special.Begin ?? 0;
        return new ConversationForm(tokenizer, TextBounds.Of(tokenizer, start), template);
    }

    private static string? Named(ConversationsSection section)
    {
        if (section.Template is not { } name)
            return null;
        if (name == ConversationsSection.ChatMl)
            return ConversationEncoder.ChatMl;
        return File.Exists(name) ? System.Text.Encoding.UTF8.GetString(InputFile.ReadAllBytes(name))
            : throw new AtelierException($"there is no file '{name}' with a chat template", Key,
                "name a file, or write chatml");
    }

    /// <summary>The words of a conversation and of the template, without its marks, for the vocabulary.</summary>
    private static string Plain(Conversation conversation, string template) => string.Join('\n',
        conversation.Turns.SelectMany(turn => (string[])[turn.Role, turn.Text])
            .Prepend(MarkPattern().Replace(template, "")));

    /// <summary>The marks that a template writes, such as &lt;|im_start|&gt;.</summary>
    private static IEnumerable<string> Marks(string template) =>
        MarkPattern().Matches(template).Select(match => match.Value).Distinct();

    [GeneratedRegex(@"<\|[^|<>\s]+\|>", RegexOptions.None, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex MarkPattern();
}
