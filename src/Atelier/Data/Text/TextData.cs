using Atelier.Recipes;
using Atelier.Tokenizers;

namespace Atelier.Data.Text;

/// <summary>
/// Tokenized text, split into training, validation and test parts, and stored in a folder that can be reopened.
/// </summary>
public sealed class TextData : IDataSource
{
    internal const string FactsFile = PreparedFacts.FileName;
    internal const string TokenizerFileName = "tokenizer.json";

    internal TextData(Tokenizer tokenizer, TokenFile train, TokenFile validation, TokenFile test, TextDataFacts facts)
    {
        Tokenizer = tokenizer;
        Train = train;
        Validation = validation;
        Test = test;
        Facts = facts;
    }

    /// <summary>
    /// Reads a source, cleans it, splits it into parts, trains the tokenizer on the training part, and writes
    /// train.tokens, validation.tokens, test.tokens, tokenizer.json and facts.json. The same section and seed give the
    /// same files.
    /// </summary>
    /// <param name="section">The data section of the recipe.</param>
    /// <param name="seed">The seed of the split and of a world's documents.</param>
    /// <param name="folder">The folder to write; prepared data in it are replaced.</param>
    /// <param name="progress">Receives a one-line message at each stage.</param>
    /// <param name="cancellation">Cancels the operation; the folder then holds no prepared data.</param>
    /// <exception cref="AtelierException">The source is missing, damaged or not text, or the section is
    /// invalid.</exception>
    public static TextData Prepare(DataSection section, long seed, string folder, IProgress<string>? progress = null,
        CancellationToken cancellation = default)
    {
        new TextDataPreparation(section, seed, folder, ends: null, progress, cancellation).Run();
        return Open(folder);
    }

    /// <summary>Opens a folder that <see cref="Prepare"/> wrote.</summary>
    /// <exception cref="AtelierException">The folder does not hold prepared data, or is damaged.</exception>
    public static TextData Open(string folder)
    {
        string facts = Path.Combine(folder, FactsFile);
        if (!File.Exists(facts))
            throw new AtelierException("the folder contains no prepared data", folder, "prepare the data again");
        Tokenizer tokenizer = TokenizerFile.Load(Path.Combine(folder, TokenizerFileName));
        var parts = new List<TokenFile>();
        try
        {
            foreach (Part part in (ReadOnlySpan<Part>)[Part.Train, Part.Validation, Part.Test])
            {
                TokenFile file = TokenFile.Open(PathOf(folder, part));
                parts.Add(file);
                if (file.VocabularySize != tokenizer.VocabularySize)
                    throw new AtelierException(
                        $"has a vocabulary of {file.VocabularySize} tokens, but the tokenizer in the same folder has "
                            + $"{tokenizer.VocabularySize}",
                        file.Path, "prepare the data again");
            }
            return new TextData(tokenizer, parts[0], parts[1], parts[2], TextDataFacts.Read(facts));
        }
        catch
        {
            parts.ForEach(file => file.Dispose());
            throw;
        }
    }

    internal static string PathOf(string folder, Part part) =>
        Path.Combine(folder, part.ToString().ToLowerInvariant() + ".tokens");

    /// <inheritdoc/>
    public Modality Modality => Modality.Text;

    /// <inheritdoc/>
    public IReadOnlyList<string> Notes => Facts.Notes;

    /// <summary>The tokenizer of the text.</summary>
    public Tokenizer Tokenizer { get; }

    /// <summary>The path of the file of the tokenizer.</summary>
    internal string TokenizerPath => Path.Combine(Path.GetDirectoryName(Train.Path)!, TokenizerFileName);

    /// <summary>The training part.</summary>
    public TokenFile Train { get; }

    /// <summary>The validation part; may be empty.</summary>
    public TokenFile Validation { get; }

    /// <summary>The test part; may be empty, and then the validation part is used instead.</summary>
    public TokenFile Test { get; }

    /// <summary>The origin of the data and its preparation.</summary>
    public TextDataFacts Facts { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        Train.Dispose();
        Validation.Dispose();
        Test.Dispose();
    }
}
