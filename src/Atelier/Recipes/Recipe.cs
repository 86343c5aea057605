using System.ComponentModel.DataAnnotations;

namespace Atelier.Recipes;

/// <summary>
/// Describes a training: data, model, training, evaluation and generation. It is the only configuration.
/// </summary>
public sealed record Recipe
{
    /// <summary>A short name, which the folder of the run takes.</summary>
    [MayChange]
    public string Name { get; init; } = "run";

    /// <summary>A description in one line.</summary>
    [MayChange]
    public string? Description { get; init; }

    /// <summary>The seed of all random numbers.</summary>
    public long Seed { get; init; } = 1;

    /// <summary>The data source, and how it is read.</summary>
    public DataSection Data { get; init; } = new();

    /// <summary>The family and its hyperparameters.</summary>
    public ModelSection Model { get; init; } = new("gpt", null);

    /// <summary>Options for training.</summary>
    public TrainingSection Training { get; init; } = new();

    /// <summary>Options for evaluation.</summary>
    [MayChange]
    public EvaluationSection Evaluation { get; init; } = new();

    /// <summary>Default options for generation, used if a request does not set them.</summary>
    [MayChange]
    public GenerationSection Generation { get; init; } = new();

    /// <summary>
    /// What reading the recipe changed, one sentence each: keys of earlier versions that have other names now.
    /// </summary>
    public IReadOnlyList<string> Notes { get; internal init; } = [];

    /// <summary>The paths of the keys that the text of the recipe and its changes set.</summary>
    internal IReadOnlyList<string> Given { get; init; } = [];
}

/// <summary>The family of the model and its configuration, which form the model section of a recipe.</summary>
/// <param name="Family">The name of the family, such as "gpt".</param>
/// <param name="Config">An instance of the family's configuration record. In a recipe made in code, null stands for all
/// defaults.</param>
public sealed record ModelSection(string Family, object? Config);

/// <summary>The data source, and how its contents are converted to tokens, rows or images.</summary>
public sealed record DataSection
{
    /// <summary>
    /// The kind of data: "text", "conversations", "pairs", "tagged", "labelled", "series", "table", "images" or
    /// "video". Null takes the first kind that the family supports.
    /// </summary>
    public string? Kind { get; init; }

    /// <summary>
    /// The data source: a catalogue name ("tinyshakespeare"), a world ("world:stories-en"), a file or a folder; for
    /// pairs also two files whose lines correspond ("train.de,train.en").
    /// </summary>
    [NamesPath(RecipePath.Data)]
    public string Source { get; init; } = "world:stories-en";

    /// <summary>
    /// The file or folder of validation text, if the data are already split; data.source is then the training text.
    /// Null takes a share of the source.
    /// </summary>
    [NamesPath(RecipePath.Data)]
    public string? Validation { get; init; }

    /// <summary>
    /// The file or folder of test text, if the data are already split; data.source is then the training text. Null
    /// takes a share of the source, or the validation text if that is a file of its own.
    /// </summary>
    [NamesPath(RecipePath.Data)]
    public string? Test { get; init; }

    /// <summary>The column that holds the text, for tables (.csv, .jsonl, .parquet).</summary>
    public string? Column { get; init; }

    /// <summary>For labelled texts: the column that holds the labels.</summary>
    public string? Label { get; init; }

    /// <summary>
    /// For tagged sentences and labelled texts: the largest number of training examples, which are chosen at random by
    /// the seed. The first 10 of 100 are those of 10. Null takes all.
    /// </summary>
    [Range(1, int.MaxValue)]
    public int? Examples { get; init; }

    /// <summary>
    /// The encoding of text files and tables ("GB18030", "Shift-JIS", "windows-1252"). Null detects it for each file.
    /// </summary>
    public string? Encoding { get; init; }

    /// <summary>
    /// What counts as one document: a whole file, a line, a paragraph between blank lines, or a table row. "auto"
    /// chooses by the source.
    /// </summary>
    public DocumentUnit Document { get; init; } = DocumentUnit.Auto;

    /// <summary>
    /// The number of documents, pairs, images, sounds or videos to generate from a world. Other sources are read
    /// completely.
    /// </summary>
    [Range(1, 100_000_000)]
    public int WorldDocuments { get; init; } = 20_000;

    /// <summary>The names of cleaning steps to apply, in order.</summary>
    public IReadOnlyList<string> Clean { get; init; } = [];

    /// <summary>
    /// The shares of training, validation and test data. "none" trains on all data, without held-out data.
    /// </summary>
    public SplitSection Split { get; init; } = new();

    /// <summary>The tokenizer, which converts text to tokens.</summary>
    public TokenizerSection Tokenizer { get; init; } = new();

    /// <summary>Options for reading conversations.</summary>
    public ConversationsSection Conversations { get; init; } = new();

    /// <summary>Options for reading pairs of texts.</summary>
    public PairsSection Pairs { get; init; } = new();

    /// <summary>Options for reading tables and series.</summary>
    public TableSection Table { get; init; } = new();

    /// <summary>Options for reading and resizing images.</summary>
    public ImageSection Image { get; init; } = new();

    /// <summary>Options for reading sounds.</summary>
    public AudioSection Audio { get; init; } = new();

    /// <summary>Options for reading videos.</summary>
    public VideoSection Video { get; init; } = new();

    /// <summary>The column of a CoNLL-U file that holds the tags.</summary>
    public TagColumn Tags { get; init; }
}

/// <summary>What counts as one document.</summary>
public enum DocumentUnit
{
    /// <summary>
    /// The usual unit of the source: rows of tables, whole text files, or the unit of a catalogue entry.
    /// </summary>
    Auto,

    /// <summary>A whole file.</summary>
    File,

    /// <summary>A line.</summary>
    Line,

    /// <summary>Consecutive lines up to a blank line.</summary>
    Paragraph,

    /// <summary>A row of a table.</summary>
    Row,
}

/// <summary>
/// The shares of training, validation and test data, which sum to at most 1. Whole documents are assigned to parts; a
/// single document is cut into parts in this order.
/// </summary>
public sealed record SplitSection
{
    /// <summary>Trains on all data, without held-out data. Evaluation then uses the training data.</summary>
    public static SplitSection None { get; } = new() { Train = 1, Validation = 0, Test = 0 };

    /// <summary>The share of data to train on.</summary>
    [Range(0.01, 1.0)]
    public double Train { get; init; } = 0.9;

    /// <summary>The share of data for validation during training.</summary>
    [Range(0.0, 0.9)]
    public double Validation { get; init; } = 0.05;

    /// <summary>
    /// The share of data for the final evaluation. If it is 0, the validation data are used for both, and the report
    /// says so.
    /// </summary>
    [Range(0.0, 0.9)]
    public double Test { get; init; } = 0.05;

    /// <summary>Whether to shuffle the documents by the seed before they are split.</summary>
    public bool Shuffle { get; init; } = true;
}

/// <summary>The tokenizer, which converts text to tokens.</summary>
public sealed record TokenizerSection
{
    /// <summary>The kind of tokenizer: characters, bytes, byte-level BPE, WordPiece, unigram or words.</summary>
    public TokenizerKind Kind { get; init; } = TokenizerKind.Character;

    /// <summary>The size of a BPE, WordPiece, unigram or word vocabulary, including special tokens.</summary>
    [Range(257, 1_000_000)]
    public int VocabularySize { get; init; } = 4096;

    /// <summary>
    /// Whether a character tokenizer encodes characters that do not occur in the training text as bytes, with 256
    /// additional token ids. Otherwise such characters are an error.
    /// </summary>
    public bool ByteFallback { get; init; } = true;

    /// <summary>Whether a WordPiece tokenizer lowers the case of texts and removes accents.</summary>
    public bool LowerCase { get; init; } = true;

    /// <summary>The path of a tokenizer.json to use instead of training a tokenizer.</summary>
    [NamesPath(RecipePath.File)]
    public string? File { get; init; }
}

/// <summary>Kinds of tokenizers that can be trained.</summary>
public enum TokenizerKind
{
    /// <summary>One token per character (Unicode scalar value).</summary>
    Character,

    /// <summary>One token per byte of UTF-8.</summary>
    Byte,

    /// <summary>Byte-level byte pair encoding (Sennrich et al. 2016; Radford et al. 2019).</summary>
    Bpe,

    /// <summary>WordPiece, the tokens of BERT (Schuster and Nakajima 2012; Devlin et al. 2019).</summary>
    WordPiece,

    /// <summary>A unigram model of pieces, the tokens of T5 (Kudo 2018).</summary>
    Unigram,

    /// <summary>
    /// Words between spaces: the most frequent ones are tokens, and all others are the token &lt;unk&gt;.
    /// </summary>
    Word,
}

/// <summary>Options for evaluation.</summary>
public sealed record EvaluationSection
{
    /// <summary>The order of the n-gram baseline.</summary>
    [Range(1, 12)]
    public int BaselineOrder { get; init; } = 5;

    /// <summary>
    /// The number of tokens between the starts of two scoring windows. 0 takes the context length of the model, so that
    /// windows do not overlap.
    /// </summary>
    [Range(0, int.MaxValue)]
    public int Stride { get; init; }

    /// <summary>The number of bootstrap resamples for confidence intervals.</summary>
    [Range(10, 1_000_000)]
    public int BootstrapSamples { get; init; } = 1000;

    /// <summary>The number of samples generated for the copying check, distinct-n and self-BLEU.</summary>
    [Range(0, 10_000)]
    public int Samples { get; init; } = 16;

    /// <summary>The number of images generated to evaluate an image model.</summary>
    [Range(10, 1_000_000)]
    public int Pictures { get; init; } = 900;

    /// <summary>
    /// The feature network for comparing images: "auto" trains a classifier on the data of the run, "lenet-mnist" is
    /// the published LeNet, the path of a .pth file is a LeNet of the same architecture, and "none" skips the
    /// comparison.
    /// </summary>
    [NamesPath(RecipePath.File)]
    public string Features { get; init; } = "auto";

    /// <summary>
    /// The largest number of held-out images for which the likelihood bound of a diffusion model is estimated, with 32
    /// noise levels each; 0 skips it.
    /// </summary>
    [Range(0, 1_000_000)]
    public int LikelihoodPictures { get; init; } = 500;

    /// <summary>
    /// The number of latent samples per image in the importance-weighted bound of a variational autoencoder (Burda et
    /// al. 2016).
    /// </summary>
    [Range(1, 100_000)]
    public int ImportanceSamples { get; init; } = 20;

    /// <summary>The number of tokens in each generated text sample.</summary>
    [Range(1, 1_000_000)]
    public int SampleTokens { get; init; } = 256;

    /// <summary>
    /// How BLEU splits texts into tokens, with sacreBLEU's names: "13a", "intl", "zh", "char", or "none" for text that
    /// is tokenized already. "auto" takes "zh" for Chinese targets, and "13a" for others.
    /// </summary>
    public string BleuTokenizer { get; init; } = "auto";
}
