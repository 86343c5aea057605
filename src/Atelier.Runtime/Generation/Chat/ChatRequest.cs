using Atelier.Abstractions;

namespace Atelier.Generation.Chat;

/// <summary>A conversation and its options, ready for the generator of the answer.</summary>
public sealed class ChatRequest
{
    private readonly Func<ChatAnswer> _begin;

    internal ChatRequest(GenerationRequest generation, Func<ChatAnswer> begin) =>
        (Generation, _begin) = (generation, begin);

    /// <summary>What the client sends to its generator.</summary>
    public GenerationRequest Generation { get; }

    /// <summary>Returns a reader for the pieces of one sample; each sample needs its own.</summary>
    public ChatAnswer BeginAnswer() => _begin();
}
