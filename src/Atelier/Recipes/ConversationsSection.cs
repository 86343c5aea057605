using System.ComponentModel.DataAnnotations;

namespace Atelier.Recipes;

/// <summary>Options for reading conversations.</summary>
public sealed record ConversationsSection
{
    /// <summary>The word for the template of ChatML, in place of a file.</summary>
    internal const string ChatMl = "chatml";

    /// <summary>
    /// The file of the chat template, a Jinja program, which writes a conversation as the text that the model reads;
    /// or "chatml" for OpenAI's ChatML. Null takes the template of training.from, and ChatML for a new model.
    /// </summary>
    [NamesPath(RecipePath.File)]
    public string? Template { get; init; }

    /// <summary>
    /// The largest number of tokens of a conversation, and of a row of a batch. Null takes model.contextLength, but at
    /// most 2048.
    /// </summary>
    [Range(8, 1 << 20)]
    public int? MaxLength { get; init; }

    /// <summary>What is done with conversations of more tokens.</summary>
    public TooLongConversation TooLong { get; init; }

    /// <summary>
    /// Whether a row of a batch holds as many conversations as fit, instead of one. Each is computed as if it were
    /// alone: attention does not cross from one to the next (Krell et al. 2021).
    /// </summary>
    public bool Packing { get; init; } = true;
}

/// <summary>What is done with a conversation that has too many tokens.</summary>
public enum TooLongConversation
{
    /// <summary>It is cut to its beginning, and left out if that holds no part of an answer.</summary>
    Cut,

    /// <summary>It is left out.</summary>
    Drop,
}

/// <summary>The configuration of a family whose models condition on a limited number of tokens.</summary>
internal interface IContextLength
{
    /// <summary>The largest number of tokens.</summary>
    int ContextLength { get; }
}
