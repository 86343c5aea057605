using Atelier.Data.Text;
using Atelier.Recipes;
using Atelier.Tokenizers;

namespace Atelier.Data.Pairs;

/// <summary>
/// Tokenized pairs of texts, split into training, validation and test parts, and stored in a folder that can be
/// reopened.
/// </summary>
public sealed class PairData : IDataSource
{
    /// <summary>The name of the file of the source's tokenizer, which may serve both sides.</summary>
    public const string TokenizerFileName = TextData.TokenizerFileName;

    /// <summary>The name of the file of the target's tokenizer, if it has one of its own.</summary>
    public const string TargetTokenizerFileName = "target-tokenizer.json";

    private PairData(PreparedFacts facts, Tokenizer source, Tokenizer target, IReadOnlyList<PairFile> parts)
    {
        (Facts, SourceTokenizer, TargetTokenizer) = (facts, source, target);
        (Train, Validation, Test) = (parts[0], parts[1], parts[2]);
        Ends = SequenceEnds.Of(source, target);
    }

    /// <inheritdoc/>
    public Modality Modality => Modality.Pairs;

    /// <summary>Where the data came from, and notes of how they were prepared.</summary>
    public PreparedFacts Facts { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Notes => Facts.Notes;

    /// <summary>The tokenizer of the sources.</summary>
    public Tokenizer SourceTokenizer { get; }

    /// <summary>The tokenizer of the targets; the same object as <see cref="SourceTokenizer"/> if they share a
    /// vocabulary.</summary>
    public Tokenizer TargetTokenizer { get; }

    /// <summary>The special tokens of the two tokenizers.</summary>
    public SequenceEnds Ends { get; }

    /// <summary>The training part.</summary>
    public PairFile Train { get; }

    /// <summary>The validation part; may be empty.</summary>
    public PairFile Validation { get; }

    /// <summary>The test part; may be empty, and then the validation part is used instead.</summary>
    public PairFile Test { get; }

    /// <summary>
    /// Reads a source, leaves out pairs that cannot be used, splits the others into parts, trains the tokenizer on the
    /// training part, and writes the parts, tokenizer.json, facts.json, and target-tokenizer.json if the sides do not
    /// share a vocabulary. If the files are named for their parts (train, val, test), that published split is kept. The
    /// same section and seed give the same files.
    /// </summary>
    /// <param name="section">The data section of the recipe.</param>
    /// <param name="seed">The seed of the split and of a world's pairs.</param>
    /// <param name="folder">The folder to write; prepared data in it are replaced.</param>
    /// <param name="progress">Receives a one-line message at each stage.</param>
    /// <param name="cancellation">Cancels the operation; the folder then holds no prepared data.</param>
    /// <exception cref="AtelierException">The source is missing, damaged or does not hold pairs, or no pairs are left
    /// to train on.</exception>
    public static PairData Prepare(DataSection section, long seed, string folder, IProgress<string>? progress = null,
        CancellationToken cancellation = default)
    {
        new PairPreparation(section, seed, folder, progress, cancellation).Run(tokenizers: null);
        return Open(folder);
    }

    /// <summary>Prepares pairs with the tokenizers of a model.</summary>
    /// <param name="section">The data section. If the share of training data is 0, all pairs are the test
    /// part.</param>
    /// <param name="seed">The seed of the split and of a world's pairs.</param>
    /// <param name="folder">The folder to write; prepared data in it are replaced.</param>
    /// <param name="source">The tokenizer of the sources.</param>
    /// <param name="target">The tokenizer of the targets; the same object if they share a vocabulary.</param>
    /// <param name="progress">Receives a one-line message at each stage.</param>
    /// <param name="cancellation">Cancels the operation; the folder then holds no prepared data.</param>
    /// <exception cref="AtelierException">The source is missing, damaged or does not hold pairs, or no pairs are
    /// left.</exception>
    public static PairData Prepare(DataSection section, long seed, string folder, Tokenizer source, Tokenizer target,
        IProgress<string>? progress = null, CancellationToken cancellation = default)
    {
        new PairPreparation(section, seed, folder, progress, cancellation).Run((source, target));
        return Open(folder);
    }

    /// <summary>Opens a folder that <see cref="Prepare(DataSection, long, string, IProgress{string}?,
    /// CancellationToken)"/> wrote.</summary>
    /// <exception cref="AtelierException">The folder does not hold prepared data, or is damaged.</exception>
    public static PairData Open(string folder)
    {
        PreparedFacts facts = PreparedFacts.Read(folder);
        Tokenizer source = TokenizerFile.Load(Path.Combine(folder, TokenizerFileName));
        string own = Path.Combine(folder, TargetTokenizerFileName);
        Tokenizer target = File.Exists(own) ? TokenizerFile.Load(own) : source;
        var parts = new List<PairFile>();
        try
        {
            foreach (Part part in (ReadOnlySpan<Part>)[Part.Train, Part.Validation, Part.Test])
                parts.Add(PairFile.Open(folder, part, source.VocabularySize, target.VocabularySize));
            return new PairData(facts, source, target, parts);
        }
        catch
        {
            parts.ForEach(part => part.Dispose());
            throw;
        }
    }

    /// <summary>
    /// Returns these data with their training part replaced by that of the data that a model was trained on, if given.
    /// The result takes over both: only it needs to be disposed.
    /// </summary>
    internal PairData Learning(PairData? learned)
    {
        if (learned is null)
            return this;
        Train.Dispose();
        learned.Validation.Dispose();
        learned.Test.Dispose();
        return new PairData(Facts, SourceTokenizer, TargetTokenizer, [learned.Train, Validation, Test]);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Train.Dispose();
        Validation.Dispose();
        Test.Dispose();
    }
}
