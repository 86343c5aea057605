using Atelier.Data.Text;
using Atelier.Data.Text.Reading;
using Atelier.Recipes;
using Atelier.Tokenizers;

namespace Atelier.Data.Pairs;

/// <summary>Prepares the files of pairs from a source: reads, checks, splits and encodes the pairs.</summary>
/// <param name="section">The data section of the recipe.</param>
/// <param name="seed">The seed of the split and of a world's pairs.</param>
/// <param name="folder">The folder to write.</param>
/// <param name="progress">Receives a one-line message at each stage.</param>
/// <param name="cancellation">Cancels the operation.</param>
internal sealed class PairPreparation(
    DataSection section, long seed, string folder, IProgress<string>? progress, CancellationToken cancellation)
{
    private readonly ReadingReport _report = new(progress, cancellation);

    /// <summary>Writes all files of the folder. facts.json is last: if it exists, the others are complete.</summary>
    /// <param name="tokenizers">The tokenizers of the two sides; null to train them.</param>
    public void Run((Tokenizer Source, Tokenizer Target)? tokenizers)
    {
        TextDataPreparation.CheckShares(section.Split);
        var cleaning = new PairCleaning(_report);
        List<TextPair>?[] read = PairSource.Read(section, seed, _report, progress, cancellation);
        progress?.Report($"read {Quantity.Of(read.Sum(part => part?.Count ?? 0), "pair")}");
        for (int part = 0; part < read.Length; part++)
            read[part] = read[part] is { } pairs ? cleaning.WithoutEmpty(pairs) : null;
        cleaning.CountCopies(read.SelectMany(part => part ?? []));
        bool learns = section.Split.Train > 0;
        List<TextPair>[] parts = learns ? cleaning.Split(read, section.Split, seed) : [[], [], read[0]!];
        CheckLeft(parts[learns ? 0 : 2].Count, learns, cleaning);
        (Tokenizer source, Tokenizer target) = tokenizers ?? MakeTokenizers(parts[0]);
        _ = SequenceEnds.Of(source, target);
        List<EncodedPair>[] encoded = [.. parts.Select((pairs, part) => cleaning.WithinLimits(
            Encode(pairs, source, target), section.Pairs, (Part)part))];
        CheckLeft(encoded[learns ? 0 : 2].Count, learns, cleaning);

        Directory.CreateDirectory(folder);
        File.Delete(Path.Combine(folder, PreparedFacts.FileName));
        for (int part = 0; part < encoded.Length; part++)
        {
            cancellation.ThrowIfCancellationRequested();
            PairFile.Write(folder, (Part)part, encoded[part], source.VocabularySize, target.VocabularySize);
            progress?.Report($"{((Part)part).ToString().ToLowerInvariant()}: "
                + $"{Quantity.Of(encoded[part].Count, "pair")}, "
                + $"{Quantity.Of(encoded[part].Sum(pair => (long)pair.Source.Length), "source token")}, "
                + $"{Quantity.Of(encoded[part].Sum(pair => (long)pair.Target.Length), "target token")}");
        }
        source.Save(Path.Combine(folder, PairData.TokenizerFileName));
        string own = Path.Combine(folder, PairData.TargetTokenizerFileName);
        if (ReferenceEquals(source, target))
            File.Delete(own);
        else
            target.Save(own);
        new PreparedFacts { Source = section.Source, Notes = _report.Notes }.Write(folder);
    }

    /// <summary>The source as the model reads it. Files keep it without the prefix.</summary>
    private string SourceOf(TextPair pair) => section.Pairs.Prefix + pair.Source;

    private void CheckLeft(int count, bool learns, PairCleaning cleaning)
    {
        if (count == 0)
            throw new AtelierException($"no pairs are left to {(learns ? "train on" : "evaluate on")}"
                + (cleaning.Removed is { } removed ? $": {removed}" : ""), section.Source,
                "provide more pairs, or change the limits in data.pairs");
    }

    private (Tokenizer Source, Tokenizer Target) MakeTokenizers(List<TextPair> training)
    {
        TokenizerSection options = section.Tokenizer;
        Tokenizer Make(IEnumerable<string> texts) =>
            TextDataPreparation.MakeTokenizer(options, [], texts, progress, cancellation);
        if (section.Pairs.SharedVocabulary)
        {
            Tokenizer shared = Make(training.SelectMany(pair => (string[])[SourceOf(pair), pair.Target]));
            return (shared, shared);
        }
        if (options.File is { } file)
            throw new AtelierException("one tokenizer cannot be two vocabularies", file,
                "set data.pairs.sharedVocabulary to true, or train the tokenizers");
        return (Make(training.Select(SourceOf)), Make(training.Select(pair => pair.Target)));
    }

    private IReadOnlyList<EncodedPair> Encode(List<TextPair> pairs, Tokenizer source, Tokenizer target)
    {
        int[][] sources = TextDataPreparation.EncodeAll([.. pairs.Select(SourceOf)], source, cancellation);
        int[][] targets = TextDataPreparation.EncodeAll([.. pairs.Select(p => p.Target)], target, cancellation);
        return [.. pairs.Select((pair, i) => new EncodedPair(pair, sources[i], targets[i]))];
    }
}
