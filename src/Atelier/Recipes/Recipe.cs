using System.ComponentModel.DataAnnotations;

namespace Atelier.Recipes;

/// <summary>
/// Describes a training: data, model, training, evaluation, generation. It is the only configuration there is.
/// </summary>
public sealed record Recipe
{
    /// <summary>A short name, used for the run's folder.</summary>
    [MayChange]
    public string Name { get; init; } = "run";

    /// <summary>A description in one line.</summary>
    [MayChange]
    public string? Description { get; init; }

    /// <summary>The seed of all random numbers.</summary>
    public long Seed { get; init; } = 1;

    /// <summary>The training data and how it is read.</summary>
    public DataSection Data { get; init; } = new();

    /// <summary>The family and its hyperparameters.</summary>
    public ModelSection Model { get; init; } = new("gpt", null);

    /// <summary>How the model is trained.</summary>
    public TrainingSection Training { get; init; } = new();

    /// <summary>How the model is evaluated.</summary>
    [MayChange]
    public EvaluationSection Evaluation { get; init; } = new();

    /// <summary>Sampling defaults, used where a request does not set them.</summary>
    [MayChange]
    public GenerationSection Generation { get; init; } = new();

    /// <summary>
    /// What reading the recipe changed, one sentence each: keys of earlier versions that have other names now.
    /// </summary>
    public IReadOnlyList<string> Notes { get; internal init; } = [];
}

/// <summary>The family and its configuration; both are in the recipe's model section.</summary>
/// <param name="Family">The family's name: "gpt".</param>
/// <param name="Config">An instance of the family's configuration record; null only where a recipe was made in code and
/// defaults are meant.</param>
public sealed record ModelSection(string Family, object? Config);

/// <summary>The data source, and how its contents become tokens, rows or images.</summary>
public sealed record DataSection
{
    /// <summary>
    /// The kind of data: "text", "tagged", "series", "table" or "images". Null takes the family's first.
    /// </summary>
    public string? Kind { get; init; }

    /// <summary>
    /// The data source: a catalogue name ("tinyshakespeare"), a world ("world:stories-en"), a file or a folder.
    /// </summary>
    public string Source { get; init; } = "world:stories-en";

    /// <summary>The column that holds the text, for tables (.csv, .jsonl, .parquet).</summary>
    public string? Column { get; init; }

    /// <summary>
    /// The encoding of text files and tables ("GB18030", "Shift-JIS", "windows-1252"). Null detects it for each file.
    /// </summary>
    public string? Encoding { get; init; }

    /// <summary>
    /// What counts as one document: a whole file, a line, a paragraph between blank lines, or a table row. "auto" takes
    /// what suits the source.
    /// </summary>
    public DocumentUnit Document { get; init; } = DocumentUnit.Auto;

    /// <summary>Number of documents to draw from a world. Other sources are read completely.</summary>
    [Range(1, 100_000_000)]
    public int WorldDocuments { get; init; } = 20_000;

    /// <summary>Names of cleaning steps, applied in order.</summary>
    public IReadOnlyList<string> Clean { get; init; } = [];

    /// <summary>
    /// The shares of training, validation and test data. "none" trains on all data and holds nothing out.
    /// </summary>
    public SplitSection Split { get; init; } = new();

    /// <summary>The tokenizer that turns text into tokens.</summary>
    public TokenizerSection Tokenizer { get; init; } = new();

    /// <summary>How tables and series are read.</summary>
    public TableSection Table { get; init; } = new();

    /// <summary>How images are read and resized.</summary>
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
    /// <summary>Trains on all data and holds nothing out; evaluation then uses the training data.</summary>
    public static SplitSection None { get; } = new() { Train = 1, Validation = 0, Test = 0 };

    /// <summary>The share of data to train on.</summary>
    [Range(0.01, 1.0)]
    public double Train { get; init; } = 0.9;

    /// <summary>The share of data for validation during training.</summary>
    [Range(0.0, 0.9)]
    public double Validation { get; init; } = 0.05;

    /// <summary>
    /// The share of data for the final evaluation. With 0 the validation data is used for both, and the report says so.
    /// </summary>
    [Range(0.0, 0.9)]
    public double Test { get; init; } = 0.05;

    /// <summary>Shuffles the documents by the seed before they are split.</summary>
    public bool Shuffle { get; init; } = true;
}

/// <summary>The tokenizer that turns text into tokens.</summary>
public sealed record TokenizerSection
{
    /// <summary>The kind of tokenizer: characters, bytes or byte-level BPE.</summary>
    public TokenizerKind Kind { get; init; } = TokenizerKind.Character;

    /// <summary>Number of token ids of a BPE vocabulary, including the end-of-text token.</summary>
    [Range(257, 1_000_000)]
    public int VocabularySize { get; init; } = 4096;

    /// <summary>
    /// Encodes characters that are missing from the training text as bytes (256 additional ids). Otherwise they are
    /// refused.
    /// </summary>
    public bool ByteFallback { get; init; } = true;

    /// <summary>A tokenizer.json to use instead of training a tokenizer.</summary>
    public string? File { get; init; }
}

/// <summary>Kinds of tokenizers that can be trained.</summary>
public enum TokenizerKind
{
    /// <summary>One id a character (Unicode scalar value).</summary>
    Character,

    /// <summary>One id a byte of UTF-8.</summary>
    Byte,

    /// <summary>Byte-level byte pair encoding (Sennrich et al. 2016; Radford et al. 2019).</summary>
    Bpe,
}

/// <summary>How the model is evaluated.</summary>
public sealed record EvaluationSection
{
    /// <summary>The order of the n-gram baseline.</summary>
    [Range(1, 12)]
    public int BaselineOrder { get; init; } = 5;

    /// <summary>
    /// Tokens between the starts of two scoring windows. 0 takes the model's context length, so that windows do not
    /// overlap.
    /// </summary>
    [Range(0, int.MaxValue)]
    public int Stride { get; init; }

    /// <summary>Number of bootstrap resamples for confidence intervals.</summary>
    [Range(10, 1_000_000)]
    public int BootstrapSamples { get; init; } = 1000;

    /// <summary>Number of samples drawn for the copying check, distinct-n and self-BLEU.</summary>
    [Range(0, 10_000)]
    public int Samples { get; init; } = 16;

    /// <summary>Number of images drawn to evaluate an image model.</summary>
    [Range(10, 1_000_000)]
    public int Pictures { get; init; } = 900;

    /// <summary>
    /// The feature network that images are compared with: "auto" trains a classifier on the run's data, "lenet-mnist"
    /// is the published LeNet, a .pth file is a LeNet of that shape, "none" compares nothing.
    /// </summary>
    public string Features { get; init; } = "auto";

    /// <summary>
    /// The most held-out images for which a diffusion model's likelihood bound is estimated, with 32 noise levels each;
    /// 0 leaves it out.
    /// </summary>
    [Range(0, 1_000_000)]
    public int LikelihoodPictures { get; init; } = 500;

    /// <summary>
    /// Number of latent samples for each image in the importance-weighted bound of a variational autoencoder (Burda et
    /// al. 2016).
    /// </summary>
    [Range(1, 100_000)]
    public int ImportanceSamples { get; init; } = 20;

    /// <summary>Number of tokens in each of these samples.</summary>
    [Range(1, 1_000_000)]
    public int SampleTokens { get; init; } = 256;
}
