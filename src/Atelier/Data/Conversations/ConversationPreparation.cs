using System.Runtime.ExceptionServices;
using System.Text.Json;
using Atelier.Abstractions;
using Atelier.Data.Text;
using Atelier.Data.Text.Reading;
using Atelier.Formats;
using Atelier.Generation;
using Atelier.Generation.Chat;
using Atelier.Recipes;
using Atelier.Tensors;
using Atelier.Tokenizers;

namespace Atelier.Data.Conversations;

/// <summary>Prepares conversations: reads, splits and encodes them.</summary>
/// <param name="section">The data section of the recipe.</param>
/// <param name="seed">The seed of the split.</param>
/// <param name="folder">The folder to write.</param>
/// <param name="given">The tokenizer and the template; null makes those of a new model.</param>
/// <param name="maxLength">The largest number of tokens that a model reads of a conversation.</param>
/// <param name="progress">Receives a one-line message at each stage.</param>
/// <param name="cancellation">Cancels the operation.</param>
internal sealed class ConversationPreparation(DataSection section, long seed, string folder, ConversationForm? given,
    int maxLength, IProgress<string>? progress, CancellationToken cancellation)
{
    private const string Format = "jsonl";
    private readonly ReadingReport _report = new(progress, cancellation);
    private int _long, _unanswered, _several;

    /// <summary>Writes all files of the folder. facts.json is last: if it exists, the others are complete.</summary>
    /// <exception cref="AtelierException">The source is missing, damaged, or no conversations.</exception>
    public void Run()
    {
        TextDataPreparation.CheckShares(section.Split);
        List<Placed>[] parts = Read();
        if (parts.Sum(part => part.Count) == 0)
            throw new AtelierException("holds no conversations", section.Source,
                "write an object with messages on each line");
        Directory.CreateDirectory(folder);
        File.Delete(Path.Combine(folder, PreparedFacts.FileName));
        ConversationForm form = given ?? ConversationForm.New(section, folder,
            parts[0].Select(placed => placed.Conversation), progress, cancellation);
        var encoder = new ConversationEncoder(form.Tokenizer, form.Bounds, form.Template);
        int[] counts = [.. parts.Index().Select(part => Write((Part)part.Index, part.Item, encoder, form.Tokenizer))];
        if (counts[section.Split.Train > 0 ? 0 : 2] == 0)
            throw new AtelierException($"no answers are left to {(section.Split.Train > 0 ? "train" : "evaluate")} on",
                section.Source, "raise data.conversations.maxLength, or change data.split");
        AddNotes();
        WriteForm(form, encoder.EndId);
        new PreparedFacts { Source = section.Source, Notes = _report.Notes }.Write(folder);
    }

    /// <summary>Reads the conversations of each part.</summary>
    private List<Placed>[] Read()
    {
        var reader = new ConversationReader();
        IReadOnlyList<string> Files(string source) =>
            SourceFiles.Find(source, _report, progress, cancellation).Expand(_report, Format);
        List<Placed> All(IEnumerable<string> some) =>
            [.. some.SelectMany(file => Placed.Read(file, section, reader, _report)).StoppedBy(cancellation)];
        IReadOnlyList<string> files = Files(section.Source);
        if (section.Validation is not null || section.Test is not null)
        {
            if (section.Split != new SplitSection())
                throw new AtelierException("the data are already split by data.validation and data.test", "data.split",
                    "leave it out");
            return [All(files), section.Validation is { } held ? All(Files(held)) : [],
                section.Test is { } test ? All(Files(test)) : []];
        }
        if (section.Split.Train > 0 && ExampleChoice.Parts(files) is { } named)
            return [.. named.Select(All)];
        return Split(All(files));
    }

    private List<Placed>[] Split(List<Placed> all)
    {
        if (section.Split.Train == 0)
            return [[], [], all];
        var numbers = new Dictionary<string, ulong>(); // equal conversations are in the same part
        ulong[] contents = new ulong[all.Count];
        foreach ((int i, Placed placed) in all.Index())
        {
            string text = string.Join('\0', placed.Conversation.Turns.Select(turn => turn.Text));
            numbers.TryAdd(text, (ulong)i);
            contents[i] = numbers[text];
        }
        var split = new DocumentSplit(contents, section.Split, seed);
        List<Placed> Of(Part part) => [.. split.Documents(part).Select(i => all[i])];
        return [Of(Part.Train), Of(Part.Validation), Of(Part.Test)];
    }

    private int Write(Part part, List<Placed> conversations, ConversationEncoder encoder, Tokenizer tokenizer)
    {
        progress?.Report($"encoding {Quantity.Of(conversations.Count, "conversation")}: "
            + part.ToString().ToLowerInvariant());
        var encoded = new IReadOnlyList<EncodedConversation>[conversations.Count];
        try
        {
            Parallel.For(0, encoded.Length, new ParallelOptions { CancellationToken = cancellation }, i =>
                encoded[i] = AtelierException.At(conversations[i].Where,
                    () => encoder.Encode(conversations[i].Conversation)));
        }
        catch (AggregateException e)
        {
            ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
        }
        _several += encoded.Count(sequences => sequences.Count > 1);
        EncodedConversation[] sequences = [.. encoded.SelectMany(some => some.Select(Fitting).OfType<
            EncodedConversation>())];
        TokenFileWriter.Write(ConversationData.TokensPath(folder, part), tokenizer.VocabularySize, null, writer =>
        {
            foreach (EncodedConversation sequence in sequences)
            {
                writer.Add(sequence.Ids, 0, 0);
                writer.EndDocument();
            }
        });
        TokenFileWriter.Write(ConversationData.AnswersPath(folder, part), 2, null, writer =>
        {
            foreach (EncodedConversation sequence in sequences)
            {
                int[] marks = new int[sequence.Ids.Length];
                foreach (TokenStretch answer in sequence.Answers)
                    marks.AsSpan(answer.Start..answer.End).Fill(1);
                writer.Add(marks, 0, 0);
                writer.EndDocument();
            }
        });
        return sequences.Length;
    }

    /// <summary>Returns what a model reads of a sequence; null for nothing.</summary>
    private EncodedConversation? Fitting(EncodedConversation sequence)
    {
        int most = maxLength + 1; // the last token is only predicted
        if (sequence.Ids.Length <= most)
            return sequence;
        _long++;
        TokenStretch[] answers = section.Conversations.TooLong == TooLongConversation.Drop ? []
            : [.. sequence.Answers.Where(answer => answer.Start < most)
                .Select(answer => answer with { End = Math.Min(answer.End, most) })];
        _unanswered += answers.Length == 0 ? 1 : 0;
        return answers.Length == 0 ? null : new EncodedConversation(sequence.Ids[..most], answers);
    }

    private void AddNotes()
    {
        int cut = _long - _unanswered;
        string longer = $"have more than {Quantity.Of(maxLength, "token")}";
        if (cut > 0)
            _report.Note($"{Quantity.Of(cut, "conversation")} that {longer} were cut to their beginning.");
        if (_unanswered > 0)
            _report.Note($"{Quantity.Of(_unanswered, "conversation")} that {longer} were left out"
                + (section.Conversations.TooLong == TooLongConversation.Cut ? ", since no answer begins within them."
                    : "."));
        if (_several > 0)
            _report.Note($"The template writes earlier answers otherwise than the last one, or without an end: each "
                + $"answer of {Quantity.Of(_several, "conversation")} is a sequence of its own.");
    }

    private void WriteForm(ConversationForm form, int? endId)
    {
        form.Tokenizer.Save(Path.Combine(folder, ConversationData.TokenizerFileName));
        AtomicFile.WriteText(Path.Combine(folder, ChatTemplateFile.FileName), form.Template);
        int[] ends = [.. endId is int end ? [end] : Array.Empty<int>(), .. form.Bounds.EndIds];
        new GenerationConfigFile(new DecodingOptions(), form.Bounds.StartId, [.. ends.Distinct()])
            .Write(Path.Combine(folder, ConversationData.GenerationFileName));
        if (!form.Bounds.StartsPrompts)
            AtomicFile.WriteText(Path.Combine(folder, ChatTemplateFile.ConfigName), """{ "add_bos_token": false }""");
    }

    /// <summary>A conversation and the place that it was read from.</summary>
    private sealed record Placed(Conversation Conversation, string Where)
    {
        public static IEnumerable<Placed> Read(string path, DataSection section, ConversationReader reader,
            ReadingReport report)
        {
            using CheckedReader text = CheckedReader.Open(path, Path.GetFileName(path), report, section.Encoding);
            foreach ((JsonElement row, string where) in JsonRows.Lines(text, ReadingOptions.Of(section), path))
                yield return new(reader.Read(row, where), where);
        }
    }
}
