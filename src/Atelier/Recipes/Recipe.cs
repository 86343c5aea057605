using System.ComponentModel.DataAnnotations;
using Atelier.Abstractions;

namespace Atelier.Recipes;

/// <summary>
/// Says what to make: data, model, training, evaluation, generation. The only configuration there is.
/// </summary>
public sealed record Recipe
{
    /// <summary>A short name, used for the run's folder.</summary>
    [MayChange]
    public string Name { get; init; } = "run";

    /// <summary>What it is for, one line.</summary>
    [MayChange]
    public string? Description { get; init; }

    /// <summary>The seed of every random choice.</summary>
    public long Seed { get; init; } = 1;

    /// <summary>What to learn from.</summary>
    public DataSection Data { get; init; } = new();

    /// <summary>What to teach.</summary>
    public ModelSection Model { get; init; } = new("gpt", null);

    /// <summary>How to teach it.</summary>
    public TrainingSection Training { get; init; } = new();

    /// <summary>How to judge it.</summary>
    [MayChange]
    public EvaluationSection Evaluation { get; init; } = new();

    /// <summary>How it makes samples where a request does not say.</summary>
    [MayChange]
    public DecodingOptions Generation { get; init; } = new();
}

/// <summary>The family and its configuration, side by side in the recipe's model section.</summary>
/// <param name="Family">The family's name: "gpt".</param>
/// <param name="Config">An instance of the family's configuration record; null only where a recipe was made in code and
/// defaults are meant.</param>
public sealed record ModelSection(string Family, object? Config);

/// <summary>What to learn from, and how it becomes tokens.</summary>
public sealed record DataSection
{
    /// <summary>
    /// "text", "tagged", "series", "table" or "images"; null takes the first that the family learns from.
    /// </summary>
    public string? Kind { get; init; }

    /// <summary>A catalogue name ("tinyshakespeare"), a world ("world:stories-en"), a file or a folder.</summary>
    public string Source { get; init; } = "world:stories-en";

    /// <summary>The column of a table (.csv, .jsonl, .parquet) that holds the text.</summary>
    public string? Column { get; init; }

    /// <summary>
    /// The encoding of text files and tables ("GB18030", "Shift-JIS", "windows-1252"); null finds it out for each file.
    /// </summary>
    public string? Encoding { get; init; }

    /// <summary>
    /// What a document is: a whole file, each line, each paragraph between blank lines, each table row; auto takes the
    /// source's own.
    /// </summary>
    public DocumentUnit Document { get; init; } = DocumentUnit.Auto;

    /// <summary>Documents drawn from a world; other sources take all they have.</summary>
    [Range(1, 100_000_000)]
    public int WorldDocuments { get; init; } = 20_000;

    /// <summary>Cleaning steps by name, in order.</summary>
    public IReadOnlyList<string> Clean { get; init; } = [];

    /// <summary>The shares of training, validation and test data; none learns from all there is.</summary>
    public SplitSection Split { get; init; } = new();

    /// <summary>How text becomes tokens.</summary>
    public TokenizerSection Tokenizer { get; init; } = new();

    /// <summary>How the rows of a table or a series are read.</summary>
    public TableSection Table { get; init; } = new();

    /// <summary>How pictures are read.</summary>
    public ImageSection Image { get; init; } = new();

    /// <summary>The column of a CoNLL-U file that holds the tags.</summary>
    public TagColumn Tags { get; init; }
}

/// <summary>What counts as one document.</summary>
public enum DocumentUnit
{
    /// <summary>What suits the source: rows of tables, whole text files, a catalogue entry's own unit.</summary>
    Auto,

    /// <summary>A whole file.</summary>
    File,

    /// <summary>A line.</summary>
    Line,

    /// <summary>Lines up to a blank one.</summary>
    Paragraph,

    /// <summary>A row of a table.</summary>
    Row,
}

/// <summary>
/// The shares of training, validation and test data; they sum to at most 1. Split by document; a single document is cut
/// in that order.
/// </summary>
public sealed record SplitSection
{
    /// <summary>All to learn from, and nothing held out: what is judged by is what was learned from.</summary>
    public static SplitSection None { get; } = new() { Train = 1, Validation = 0, Test = 0 };

    /// <summary>The share to learn from.</summary>
    [Range(0.01, 1.0)]
    public double Train { get; init; } = 0.9;

    /// <summary>The share to watch while learning.</summary>
    [Range(0.0, 0.9)]
    public double Validation { get; init; } = 0.05;

    /// <summary>
    /// The share to judge by at the end; with 0 the validation share serves for both, and the report says so.
    /// </summary>
    [Range(0.0, 0.9)]
    public double Test { get; init; } = 0.05;

    /// <summary>Whether documents are shuffled by the seed before they are split.</summary>
    public bool Shuffle { get; init; } = true;
}

/// <summary>How text becomes tokens.</summary>
public sealed record TokenizerSection
{
    /// <summary>Character, byte or byte-level BPE.</summary>
    public TokenizerKind Kind { get; init; } = TokenizerKind.Character;

    /// <summary>Ids of a BPE vocabulary, the end of text included.</summary>
    [Range(257, 1_000_000)]
    public int VocabularySize { get; init; } = 4096;

    /// <summary>
    /// Whether characters that training text lacks are spelled in bytes (256 more ids) instead of being refused.
    /// </summary>
    public bool ByteFallback { get; init; } = true;

    /// <summary>A tokenizer.json to take instead of making one.</summary>
    public string? File { get; init; }
}

/// <summary>Kinds of tokenizers that can be made.</summary>
public enum TokenizerKind
{
    /// <summary>One id a character (Unicode scalar value).</summary>
    Character,

    /// <summary>One id a byte of UTF-8.</summary>
    Byte,

    /// <summary>Byte-level byte pair encoding (Sennrich et al. 2016; Radford et al. 2019).</summary>
    Bpe,
}

/// <summary>How to judge the model.</summary>
public sealed record EvaluationSection
{
    /// <summary>The longest n-gram of the baseline.</summary>
    [Range(1, 12)]
    public int BaselineOrder { get; init; } = 5;

    /// <summary>
    /// Tokens between the starts of two scoring windows; 0 takes the model's context, so that windows do not overlap.
    /// </summary>
    [Range(0, int.MaxValue)]
    public int Stride { get; init; }

    /// <summary>Resamplings of a bootstrap confidence interval.</summary>
    [Range(10, 1_000_000)]
    public int BootstrapSamples { get; init; } = 1000;

    /// <summary>Samples drawn for the copying check, distinct-n and self-BLEU.</summary>
    [Range(0, 10_000)]
    public int Samples { get; init; } = 16;

    /// <summary>Pictures drawn to judge a model of images by.</summary>
    [Range(10, 1_000_000)]
    public int Pictures { get; init; } = 900;

    /// <summary>
    /// What pictures are compared by: auto takes a network that learns the data's pictures, lenet-mnist the published
    /// one, a .pth file a LeNet of that shape, none compares nothing.
    /// </summary>
    public string Features { get; init; } = "auto";

    /// <summary>
    /// The most held-out pictures of which a diffusion model's bound on the likelihood is estimated, by 32 looks each;
    /// 0 leaves it out.
    /// </summary>
    [Range(0, 1_000_000)]
    public int LikelihoodPictures { get; init; } = 500;

    /// <summary>
    /// Draws of each picture's latents in a variational autoencoder's importance-weighted bound (Burda et al. 2016).
    /// </summary>
    [Range(1, 100_000)]
    public int ImportanceSamples { get; init; } = 20;

    /// <summary>Tokens in each such sample.</summary>
    [Range(1, 1_000_000)]
    public int SampleTokens { get; init; } = 256;
}
