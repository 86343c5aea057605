using Atelier.Tokenizers;

namespace Atelier.Data.Text;

/// <summary>Text as tokens, split into training, validation and test parts, in a folder that can be opened again.</summary>
public sealed class TextData : IDataSource
{
    internal TextData(Tokenizer tokenizer, TokenFile train, TokenFile validation, TokenFile test, TextDataFacts facts)
    {
        Tokenizer = tokenizer;
        Train = train;
        Validation = validation;
        Test = test;
        Facts = facts;
    }

    /// <inheritdoc/>
    public Modality Modality => Modality.Text;

    /// <summary>Turns its text into tokens.</summary>
    public Tokenizer Tokenizer { get; }

    /// <summary>What to learn from.</summary>
    public TokenFile Train { get; }

    /// <summary>What to watch while learning; may be empty.</summary>
    public TokenFile Validation { get; }

    /// <summary>What to judge by; may be empty, and then the validation part serves.</summary>
    public TokenFile Test { get; }

    /// <summary>Where it came from and what was done to it.</summary>
    public TextDataFacts Facts { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        Train.Dispose();
        Validation.Dispose();
        Test.Dispose();
    }
}

/// <summary>Where text came from and what was done to it.</summary>
public sealed record TextDataFacts
{
    /// <summary>The source as the recipe names it.</summary>
    public required string Source { get; init; }

    /// <summary>The encodings found, by file.</summary>
    public IReadOnlyDictionary<string, string> Encodings { get; init; } = new Dictionary<string, string>();

    /// <summary>What each cleaning step removed.</summary>
    public IReadOnlyList<CleaningResult> Cleaning { get; init; } = [];

    /// <summary>Choices made for the user, one sentence each: told before training.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>The token that a text begins after where there is no prompt: the end of text, or a line end for a single long document.</summary>
    public required int StartId { get; init; }

    /// <summary>Of a world: the exact entropy in nats per character, the best cross-entropy that any model can reach on average.</summary>
    public double? ExactEntropy { get; init; }
}

/// <summary>What one cleaning step did.</summary>
/// <param name="Step">The step's name.</param>
/// <param name="DocumentsRemoved">Documents dropped.</param>
/// <param name="CharactersRemoved">Characters gone, those of dropped documents included.</param>
public sealed record CleaningResult(string Step, long DocumentsRemoved, long CharactersRemoved);
