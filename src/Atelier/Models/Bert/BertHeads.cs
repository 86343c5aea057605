using System.Globalization;
using Atelier.Data;
using Atelier.Data.Labelled;
using Atelier.Data.Tagged;
using Atelier.Data.Text;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks;
using Atelier.Tasks.Pairs;
using Atelier.Tasks.Text;
using Atelier.Tensors;
using Atelier.Tokenizers;
using Atelier.Training;
using static TorchSharp.torch;

namespace Atelier.Models.Bert;

/// <summary>Creates the learners of BERTs that predict labels, and writes their bundles.</summary>
internal static class BertHeads
{
    private const string NoTag = "_";
    private const int ShownLabels = 10;

    /// <summary>Creates the learner of a tagger.</summary>
    /// <exception cref="AtelierException">The recipe does not match the data, or there are no tags.</exception>
    public static ILearner CreateLearner(Recipe recipe, TaggedData data) => CreateLearner(recipe, new Examples(
        BertHead.Tagging, data.Facts.Source, data.Train.Select(sentence => string.Join(' ', sentence.Words)),
        [.. data.Train.SelectMany(sentence => sentence.Tags).Where(tag => tag != NoTag)],
        (tokenizer, tokens, longest, number) =>
        {
            IEnumerable<LabelledSequence> Encode(TaggedSentence sentence)
            {
                int word = 0;
                foreach (WordTokens part in WordTokens.Of(sentence.Words, tokenizer, tokens, longest))
                {
                    long[] targets = new long[part.Tokens.Length];
                    Array.Fill(targets, TextBatch.NotCounted);
                    foreach (int place in part.Places)
                        targets[place] = number(sentence.Tags[word++]);
                    yield return new LabelledSequence(part.Tokens, targets);
                }
            }
            return ([.. data.Train.SelectMany(Encode)], [.. data.Validation.SelectMany(Encode)]);
        }));

    /// <summary>Creates the learner of a classifier of texts.</summary>
    /// <exception cref="AtelierException">The recipe does not match the data.</exception>
    public static ILearner CreateLearner(Recipe recipe, LabelledData data) => CreateLearner(recipe, new Examples(
        BertHead.Classification, data.Facts.Source, data.Train.Select(text => text.Text),
        [.. data.Train.Select(text => text.Label)],
        (tokenizer, tokens, longest, number) =>
        {
            List<LabelledSequence> Encode(IReadOnlyList<LabelledText> texts) => [.. texts.Select(text =>
                new LabelledSequence(BertTextClassifier.Encode(text.Text, tokenizer, tokens, longest),
                    [number(text.Label)]))];
            return (Encode(data.Train), Encode(data.Validation));
        }));

    /// <summary>Writes a model as a bundle.</summary>
    /// <param name="folder">The folder of the bundle.</param>
    /// <param name="model">The model.</param>
    /// <param name="tokenizer">The tokenizer of the model.</param>
    /// <param name="tokens">The special tokens of the model.</param>
    /// <param name="column">The CoNLL-U column of a tagger's tags.</param>
    /// <param name="card">The model card, in Markdown.</param>
    /// <exception cref="AtelierException">The folder cannot be written.</exception>
    public static void Write(string folder, BertClassifier model, Tokenizer tokenizer, MaskedTokens tokens,
        TagColumn column, string card)
    {
        using var scope = NewDisposeScope();
        BundleWriter.Write(folder, BertConfigFile.Write(model, tokens, column), BertWeights.Export(model), card,
            partial => tokenizer.Save(Path.Combine(partial, "tokenizer.json")));
    }

    private static Trainer<LabelledBatch> CreateLearner(Recipe recipe, Examples examples)
    {
        BertConfig config = ((BertConfig?)recipe.Model.Config ?? new BertConfig()).Resolve();
        (TrainingSection training, BertHead head) = (recipe.Training, examples.Head);
        Tokenizer tokenizer = TextDataPreparation.MakeTokenizer(recipe.Data.Tokenizer, training.ExtendVocabulary,
            examples.Texts, progress: null, CancellationToken.None);
        using BertStart? start = BertStart.Open(recipe, tokenizer);
        MaskedTokens tokens =
            start?.Tokens ?? BertFamily.TokensOf(tokenizer, tokenizer.EndOfTextId, config, mask: null);
        bool continues = start?.Classifier?.Head == head;
        IReadOnlyList<string> labels = continues ? KnownLabels(start!.Classifier!, examples)
            : [.. examples.Labels.Distinct().Order(StringComparer.Ordinal)];
        if (labels.Count < 2)
            throw new AtelierException(
                labels.Count == 0 ? "holds no tags to learn" : $"has only the label '{labels[0]}'", examples.Source,
                $"choose another column with data.{(head == BertHead.Tagging ? "tags" : "label")}");
        int rows = start?.VocabularySize(tokenizer) ?? tokenizer.VocabularySize;
        BertClassifier Create() => new(config, rows, head, labels, training.ChosenPrecision, recipe.Seed,
            training.LabelSmoothing, tokens.PadId);
        BertClassifier model = Create();
        string predicted = head == BertHead.Tagging ? "tags" : "labels of texts";
        IReadOnlyList<string> notes = start is null || continues ? [] : [start.NewHead(recipe, predicted)];
        if (continues)
            start!.CopyTo(model, recipe, _ => false);
        else
            start?.CopyTo(model.Encoder, recipe, name => start.Encoder.Pooler is null
                && name.StartsWith(BertModel.PoolerName, StringComparison.Ordinal));
        var numbers = labels.Index().ToDictionary(label => label.Item, label => label.Index);
        (List<LabelledSequence> train, List<LabelledSequence> validation) = examples.Encode(tokenizer, tokens,
            config.ContextLength, label => numbers.TryGetValue(label, out int found) ? found : TextBatch.NotCounted);
        train.RemoveAll(sequence => LabelledBatches.Counted(sequence) == 0);
        validation.RemoveAll(sequence => LabelledBatches.Counted(sequence) == 0);
        LabelledBatches Batches(List<LabelledSequence> sequences, bool shuffled) => new(sequences, tokens.PadId,
            training.BatchTokens ?? PairsTask.DefaultBatchTokens, recipe.Seed, shuffled);
        string card = Card(recipe, examples, model, tokenizer);
        return new Trainer<LabelledBatch>(recipe, model, Batches(train, shuffled: true),
            validation.Count == 0 ? null : Batches(validation, shuffled: false), new TrainerHooks
            {
                WriteBundle = folder => Write(folder, model, tokenizer, tokens, recipe.Data.Tags, card),
                CreateReplica = Create,
                Notes = notes,
                ItemUnit = head == BertHead.Tagging ? "words" : "texts",
            });
    }

    /// <summary>Returns the labels of a model that is trained further.</summary>
    /// <exception cref="AtelierException">The data have other labels.</exception>
    private static IReadOnlyList<string> KnownLabels(BertClassifier start, Examples examples)
    {
        string[] others = [.. examples.Labels.Distinct().Except(start.Labels).Order(StringComparer.Ordinal)];
        return others.Length == 0 ? start.Labels : throw new AtelierException(
            $"the head of training.from predicts {start.Labels.Count} labels, and the data have others: "
                + string.Join(", ", others.Take(ShownLabels)), examples.Source,
            "use data with the same labels, or start from a model without this head");
    }

    private static string Card(Recipe recipe, Examples examples, BertClassifier model, Tokenizer tokenizer)
    {
        bool tags = examples.Head == BertHead.Tagging;
        string what = tags ? "A tagger" : "A classifier of texts";
        return string.Create(CultureInfo.InvariantCulture, $"""
            ---
            pipeline_tag: {(tags ? "token-classification" : "text-classification")}
            ---
            # {recipe.Name}

            {recipe.Description ?? $"{what} of the family {recipe.Model.Family}, {StartingWeights.Origin(recipe)}."}

            | | |
            |---|---|
            | family | {recipe.Model.Family} |
            | parameters | {model.parameters().Sum(p => p.numel())} |
            | vocabulary | {tokenizer.VocabularySize} ({tokenizer.Kind}) |
            | labels | {RequestOption.Names(model.Labels)} |
            | trained on | {SourceFiles.PublicName(examples.Source)}, {Quantity.Of(examples.Labels.Count, "label")} |
            | seed | {recipe.Seed} |{StartingWeights.CardRows(recipe)}

            """);
    }

    /// <summary>The examples of a head.</summary>
    /// <param name="Head">What the labels belong to.</param>
    /// <param name="Source">The source of the data.</param>
    /// <param name="Texts">The training texts, to train a tokenizer on.</param>
    /// <param name="Labels">The labels of the training part, one for each word or text.</param>
    /// <param name="Encode">Encodes the training and the validation part, given the tokenizer, the special tokens, the
    /// longest sequence, and a function from a label to its number.</param>
    private sealed record Examples(BertHead Head, string Source, IEnumerable<string> Texts,
        IReadOnlyList<string> Labels, Func<Tokenizer, MaskedTokens, int, Func<string, long>,
            (List<LabelledSequence> Train, List<LabelledSequence> Validation)> Encode);
}
