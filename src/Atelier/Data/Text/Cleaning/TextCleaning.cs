using Atelier.Data.Text.Reading;

namespace Atelier.Data.Text.Cleaning;

/// <summary>
/// A step that text passes through: gives back the text, changed or not, or null to drop the document.
/// </summary>
/// <param name="piece">A document, or a piece of one too long to be held whole.</param>
public delegate string? CleaningStep(DocumentPiece piece);

/// <summary>The kind of a cleaning step, by its name in a recipe.</summary>
/// <param name="Name">The name: "min-length".</param>
/// <param name="Argument">The meaning of the number after the colon: "characters"; null if the step takes none.</param>
/// <param name="Description">A description in one sentence.</param>
/// <param name="Create">Makes the step, which may keep state over one reading of the data; the number is 0 where the
/// step takes none.</param>
public sealed record CleaningStepKind(string Name, string? Argument, string Description,
    Func<long, CleaningStep> Create)
{
    /// <summary>The name as it is written in a recipe: "min-length:N".</summary>
    public string Usage => Argument is null ? Name : Name + ":N";
}

/// <summary>Named steps in order, each counting what it removes.</summary>
public sealed class TextCleaning
{
    private readonly List<Step> _steps = [];

    /// <summary>Makes the steps that a recipe names.</summary>
    /// <exception cref="AtelierException">A name is unknown, or its number is missing or impossible.</exception>
    public TextCleaning(IReadOnlyList<string> names)
    {
        foreach (string name in names)
            _steps.Add(new(name, CleaningSteps.Create(name)));
    }

    /// <summary>The results of each step so far.</summary>
    public IReadOnlyList<CleaningResult> Results =>
        [.. _steps.Select(step => new CleaningResult(step.Name, step.DocumentsRemoved, step.CharactersRemoved))];

    /// <summary>Passes a piece through all steps.</summary>
    /// <returns>The text that is left; null where a step dropped it.</returns>
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
