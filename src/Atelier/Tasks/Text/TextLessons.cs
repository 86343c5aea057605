using Atelier.Abstractions;
using Atelier.Data;
using Atelier.Data.Text;
using Atelier.Formats;
using Atelier.Generation;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tokenizers;
using Atelier.Training;

namespace Atelier.Tasks.Text;

/// <summary>What a model of text learns from: the batches, and what belongs to the data in its bundle.</summary>
/// <param name="Tokenizer">The tokenizer.</param>
/// <param name="Batches">Returns the batches of the training part and of the validation part, which may be null, for
/// rows of a number of tokens.</param>
/// <param name="WriteTokens">Writes the tokenizer and the files that belong to it into the folder of a bundle.</param>
/// <param name="Card">Returns the model card, given the number of parameters.</param>
/// <param name="Sample">Returns the request for a sample during training, and the model that fulfils it.</param>
internal sealed record TextLessons(Tokenizer Tokenizer,
    Func<int, (IBatchSource<TextBatch> Training, IBatchSource<TextBatch>? Validation)> Batches,
    Action<string> WriteTokens, Func<long, string> Card,
    Func<ILanguageModel, (TextGenerator Generator, GenerationRequest Request)> Sample)
{
    private const int PreviewTokens = 160;

    /// <summary>Losses to compare with in the plot of the run, by name.</summary>
    public IReadOnlyDictionary<string, double> ReferenceLosses { get; init; } = new Dictionary<string, double>();

    /// <summary>Returns the lessons of running text.</summary>
    public static TextLessons Of(TextData text, Recipe recipe)
    {
        (int batchSize, long seed) = (recipe.Training.BatchSize, recipe.Seed);
        return new TextLessons(text.Tokenizer,
            length => (new TextBatches(text.Train, batchSize, length, seed, shuffled: true),
                text.Validation.Count < 2 ? null
                    : new TextBatches(text.Validation, batchSize, length, seed, shuffled: false)),
            folder => WriteFiles(folder, text.Tokenizer, recipe.Generation.Decoding, text.Facts.StartId,
                TextBounds.Of(text.Tokenizer, text.Facts.StartId).EndIds),
            parameters => TextBundle.Card(recipe, text, parameters),
            model => (new TextGenerator(model, text.Tokenizer, Preview(recipe), text.Facts.StartId),
                new GenerationRequest { Seed = seed }))
        {
            ReferenceLosses = text is { Facts.ExactEntropy: double entropy, Tokenizer.Kind: "character" }
                ? new Dictionary<string, double> { ["exact entropy"] = entropy }
                : new Dictionary<string, double>(),
        };
    }

    /// <summary>Returns the decoding options of samples during training.</summary>
    public static DecodingOptions Preview(Recipe recipe)
    {
        DecodingOptions usual = recipe.Generation.Decoding;
        return usual with { MaxTokens = Math.Min(usual.MaxTokens, PreviewTokens) };
    }

    /// <summary>Writes the tokenizer and the generation settings of a bundle.</summary>
    public static void WriteFiles(string folder, Tokenizer tokenizer, DecodingOptions decoding, int startId,
        IReadOnlyList<int> endIds)
    {
        tokenizer.Save(Path.Combine(folder, "tokenizer.json"));
        new GenerationConfigFile(decoding, startId, endIds.Count > 0 ? endIds : null)
            .Write(Path.Combine(folder, Bundle.GenerationConfigName));
    }

    /// <summary>Writes a sample of a model in training to a file.</summary>
    /// <param name="path">The path of the file, without its extension.</param>
    /// <param name="model">The model, which is not disposed.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    public TrainingSample WriteSample(string path, ILanguageModel model, CancellationToken cancellation)
    {
        (TextGenerator generator, GenerationRequest request) = Sample(model);
        string sample = generator.GenerateAsync(request, cancellation).ToBlockingEnumerable(cancellation).First().Text;
        string file = path + ".txt";
        AtomicFile.WriteText(file, sample);
        return new TrainingSample(file, sample);
    }
}
