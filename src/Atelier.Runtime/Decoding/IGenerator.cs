namespace Atelier.Decoding;

/// <summary>What a caller asks of a generator. What a kind of model has no use for, it refuses with a clear error.</summary>
public sealed record GenerationRequest
{
    /// <summary>How many samples.</summary>
    public int Count { get; init; } = 1;

    /// <summary>The seed of every random choice: the same request gives the same samples.</summary>
    public long Seed { get; init; } = 1;

    /// <summary>The text that samples go on from, or null to begin afresh.</summary>
    public string? Prompt { get; init; }

    /// <summary>How tokens are chosen; null takes the bundle's own settings.</summary>
    public DecodingOptions? Decoding { get; init; }
}

/// <summary>One thing that a model made.</summary>
public abstract record Sample
{
    /// <summary>The natural logarithm of the probability the model gave it, in nats, where the model can say.</summary>
    public double? LogProbability { get; init; }
}

/// <summary>A text that a model made.</summary>
/// <param name="Text">What was made, without the prompt.</param>
public sealed record TextSample(string Text) : Sample
{
    /// <summary>The tokens of the text, each with its log-probability under the model's own distribution.</summary>
    public IReadOnlyList<TokenChoice> Tokens { get; init; } = [];

    /// <summary>Why it ended: "end" (the model ended it), "stop" (a stop string) or "length".</summary>
    public string FinishReason { get; init; } = "length";
}

/// <summary>A token that was chosen.</summary>
/// <param name="Id">Its id.</param>
/// <param name="LogProbability">In nats, under the model's own distribution, before temperature and penalties.</param>
public readonly record struct TokenChoice(int Id, float LogProbability);

/// <summary>Draws samples of whatever kind.</summary>
public interface IGenerator : IDisposable
{
    /// <summary>What it makes.</summary>
    Modality Modality { get; }

    /// <summary>Draws samples, each given as soon as it is whole.</summary>
    IAsyncEnumerable<Sample> GenerateAsync(GenerationRequest request, CancellationToken cancellation = default);
}
