using Atelier.Tokenizers;

namespace Atelier.Generation.Chat;

/// <summary>A conversation with its answers, as training data hold it.</summary>
public sealed class Conversation
{
    /// <summary>Creates a conversation.</summary>
    /// <param name="turns">The messages. Those of the role "assistant" are the answers.</param>
    public Conversation(IReadOnlyList<ChatTurn> turns) => Turns = turns;

    /// <summary>The messages.</summary>
    public IReadOnlyList<ChatTurn> Turns { get; }

    /// <summary>The descriptions of the tools that the answers may call, as a template's values; null for
    /// none.</summary>
    internal IReadOnlyList<object?>? Tools { get; init; }

    /// <summary>The places of the answers that are not to be learned.</summary>
    internal IReadOnlySet<int> Uncounted { get; init; } = new HashSet<int>();
}

/// <summary>A conversation as a model reads it in training.</summary>
/// <param name="Ids">The tokens.</param>
/// <param name="Answers">The stretches of tokens that the model itself has to write, in order: the answers, each with
/// the token that ends it.</param>
public sealed record EncodedConversation(int[] Ids, IReadOnlyList<TokenStretch> Answers);

/// <summary>Consecutive tokens of a text.</summary>
/// <param name="Start">The place of the first one.</param>
/// <param name="End">The place after the last one.</param>
public readonly record struct TokenStretch(int Start, int End);
