using Atelier.Data.Text.Reading;

namespace Atelier.Data.Text.Cleaning;

/// <summary>A cleaning step: returns the text, changed or unchanged, or null to drop the document.</summary>
/// <param name="piece">A document, or a piece of a very long document.</param>
public delegate string? CleaningStep(DocumentPiece piece);

/// <summary>A kind of cleaning step that recipes can name.</summary>
/// <param name="Name">The name, such as "min-length".</param>
/// <param name="Argument">The unit of the number after the colon, such as "characters"; null if the step takes no
/// number.</param>
/// <param name="Description">A description in one sentence.</param>
/// <param name="Create">Creates a step, which may keep state during one pass over the data. Its argument is the number;
/// 0 if the step takes none.</param>
public sealed record CleaningStepKind(string Name, string? Argument, string Description,
    Func<long, CleaningStep> Create)
{
    /// <summary>How a recipe writes the step: "min-length:N".</summary>
    public string Usage => Argument is null ? Name : Name + ":N";
}

/// <summary>A sequence of cleaning steps, which counts how much each step removes.</summary>
public sealed class TextCleaning
{
    private readonly List<Step> _steps = [];

    /// <summary>Creates the steps that a recipe names.</summary>
    /// <exception cref="AtelierException">A name is unknown, or its number is missing or invalid.</exception>
    public TextCleaning(IReadOnlyList<string> names)
    {
        foreach (string name in names)
            _steps.Add(new(name, CleaningSteps.Create(name)));
    }

    /// <summary>How much each step has removed so far.</summary>
    public IReadOnlyList<CleaningResult> Results =>
        [.. _steps.Select(step => new CleaningResult(step.Name, step.DocumentsRemoved, step.CharactersRemoved))];

    /// <summary>Applies all steps to a piece.</summary>
    /// <returns>The cleaned text; null if a step dropped it.</returns>
    public string? Clean(DocumentPiece piece)
    {
        foreach (Step step in _steps)
        {
            string? text = step.Apply(piece);
            if (text is null)
                return null;
            piece = piece with { Text = text };
        }
        return piece.Text;
    }

    private sealed class Step(string name, CleaningStep apply)
    {
        public string Name => name;

        public long DocumentsRemoved { get; private set; }

        public long CharactersRemoved { get; private set; }

        public string? Apply(DocumentPiece piece)
        {
            string? text = apply(piece);
            if (ReferenceEquals(text, piece.Text))
                return text;
            if (text is null && piece.Begins)
                DocumentsRemoved++;
            CharactersRemoved += TextCount.Scalars(piece.Text) - TextCount.Scalars(text ?? "");
            return text;
        }
    }
}
