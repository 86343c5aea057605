using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Atelier.Data;
using Atelier.Data.Tagged;
using Atelier.Formats;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tensors;
using Atelier.Training;
using static TorchSharp.torch;

namespace Atelier.Models.Hmm.Tagging;

/// <summary>
/// Trains, writes and loads taggers. A bundle stores the words and tags in vocab.json and their counts in
/// model.safetensors.
/// </summary>
internal static class TaggerBundle
{
    /// <summary>The model_type in config.json.</summary>
    public const string ModelType = "atelier_hmm_tagger";
    private const string VocabularyFile = "vocab.json";

    /// <summary>Loads a tagger.</summary>
    /// <exception cref="AtelierException">The bundle is damaged.</exception>
    public static HmmTagger Load(Bundle bundle, CancellationToken cancellation)
    {
        const string hint = "download or export the model again";
        BundledTagger config = ConfigFile.Read(bundle.ConfigPath).Read<BundledTagger>();
        string path = Path.Combine(bundle.Folder, VocabularyFile);
        Vocabulary vocabulary;
        try
        {
            vocabulary = JsonSerializer.Deserialize<Vocabulary>(File.ReadAllBytes(path))
                ?? throw new JsonException("it is null");
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new AtelierException($"is not the vocabulary of a tagger: {e.Message.TrimEnd('.')}", path, hint, e);
        }
        return BundleTensors.Use(bundle, tensors =>
        {
            int[] Get(string name, long length) =>
                tensors.TryGetValue(name, out Tensor? tensor) && tensor.dtype == ScalarType.Int32
                && tensor.numel() == length
                ? MemoryMarshal.Cast<byte, int>(tensor.bytes).ToArray()
                : throw new AtelierException($"the tensor {name} is missing or does not fit the vocabulary",
                    bundle.WeightsPath, hint);
            long tags = vocabulary.Tags.Count;
            int[] trigrams = Get("trigrams", (tags + 2) * (tags + 2) * (tags + 2)),
                wordTags = Get("word_tags", vocabulary.Words.Count * tags);
            if (tags == 0 || vocabulary.Words.Distinct().Count() != vocabulary.Words.Count || trigrams.Any(c => c < 0)
                || wordTags.Any(c => c < 0))
                throw new AtelierException("a word appears twice, or a count is negative", bundle.Folder, hint);
            return new HmmTagger(new TaggerCounts(vocabulary.Tags, trigrams, vocabulary.Words, wordTags),
                config.Learning, config.Tags);
        }, cancellation);
    }

    private static void Write(string folder, TaggerCounts counts, HmmConfig config, Recipe recipe, TaggedData data)
    {
        using var scope = NewDisposeScope();
        var tensors = new Dictionary<string, Tensor>
        {
            ["trigrams"] = tensor(counts.Trigrams, ScalarType.Int32),
            ["word_tags"] = tensor(counts.WordTags, ScalarType.Int32),
        };
        string card = string.Create(CultureInfo.InvariantCulture, $"""
            # {recipe.Name}

            {recipe.Description ?? "A hidden Markov model that tags sentences."}

            Counted from {SourceFiles.PublicName(data.Facts.Source)}, {Quantity.Of(data.Train.Count, "sentence")}:
            {Quantity.Of(counts.Words.Count, "word")}, {Quantity.Of(counts.Tags.Count, "tag")}.

            """);
        var bundled = new BundledTagger { Learning = config, Tags = recipe.Data.Tags };
        string vocabulary = JsonSerializer.Serialize(new Vocabulary(counts.Tags, counts.Words));
        BundleWriter.Write(folder, ConfigRecords.Write(ModelType, counts.Words.Count, bundled), tensors, card,
            partial => AtomicFile.WriteText(Path.Combine(partial, VocabularyFile), vocabulary));
    }

    /// <summary>Trains a tagger in one pass over the sentences.</summary>
    public sealed class Learner(Recipe recipe, TaggedData data) : ILearner
    {
        /// <inheritdoc/>
        public Task<TrainingReport> LearnAsync(Run run, IProgress<TrainingProgress> progress,
            CancellationToken cancellation) =>
            Task.Run(() => Learn(run, progress, cancellation), cancellation);

        private TrainingReport Learn(Run run, IProgress<TrainingProgress> progress, CancellationToken cancellation)
        {
            var watch = Stopwatch.StartNew();
            TaggerCounts counts = TaggerCounts.Count(data.Train);
            cancellation.ThrowIfCancellationRequested();
            Write(run.BundleFolder, counts, (HmmConfig?)recipe.Model.Config ?? new HmmConfig(), recipe, data);
            long words = data.Train.Sum(s => (long)s.Words.Count);
            progress.Report(new TrainingProgress
            {
                Step = 1, TotalSteps = 1, ItemUnit = "words", ItemsPerSecond = words / watch.Elapsed.TotalSeconds,
                Message = string.Create(CultureInfo.InvariantCulture,
                    $"counted {Quantity.Of(words, "word")}: {counts.Words.Count} different ones, "
                    + $"{Quantity.Of(counts.Tags.Count, "tag")}"),
            });
            return new TrainingReport(1, watch.Elapsed.TotalSeconds, "converged",
                new Dictionary<string, double> { ["words"] = counts.Words.Count, ["tags"] = counts.Tags.Count });
        }
    }

    /// <summary>The contents of a tagger's config.json.</summary>
    private sealed record BundledTagger
    {
        /// <summary>The configuration that the tagger was trained with and decodes by.</summary>
        public HmmConfig Learning { get; init; } = new();

        /// <summary>The column of CoNLL-U files that the tags come from.</summary>
        public TagColumn Tags { get; init; }
    }

    private sealed record Vocabulary(IReadOnlyList<string> Tags, IReadOnlyList<string> Words);
}
