using System.Text.Json;
using System.Text.Json.Nodes;
using Atelier.Data.Pairs;
using Atelier.Exchange;
using Atelier.Formats;
using Atelier.Generation;
using Atelier.Networks;
using Atelier.Runs;

namespace Atelier.Tasks.Pairs;

/// <summary>
/// Reads and writes config.json of sequence-to-sequence models: the special tokens, which all of them have, and the
/// layout of models that Hugging Face's tools do not know.
/// </summary>
internal static class PairConfigFile
{
    /// <summary>Keys of models whose sources have a vocabulary of their own.</summary>
    public const string SourceVocabulary = "source_vocab_size", SourceEnd = "source_eos_token_id",
        SourcePad = "source_pad_token_id";

    private const string Vocabulary = "vocab_size", Start = "decoder_start_token_id", End = "eos_token_id",
        Pad = "pad_token_id";

    /// <summary>Returns the keys of the special tokens with their values.</summary>
    /// <param name="ends">The special tokens.</param>
    /// <param name="sharesVocabulary">Whether sources and targets have one vocabulary.</param>
    public static JsonObject Tokens(SequenceEnds ends, bool sharesVocabulary)
    {
        var tokens = new JsonObject { [Pad] = ends.PadId, [End] = ends.EndId, [Start] = ends.StartId };
        if (!sharesVocabulary)
            (tokens[SourceEnd], tokens[SourcePad]) = (ends.SourceEndId, ends.SourcePadId);
        return tokens;
    }

    /// <summary>Reads the special tokens.</summary>
    /// <exception cref="AtelierException">A token is missing.</exception>
    public static SequenceEnds ReadEnds(ConfigFile file)
    {
        SequenceToSequenceTokens tokens = SequenceToSequenceFile.ReadTokens(file);
        int pad = file.Integer(Pad, tokens.EndIds[0]);
        return new SequenceEnds(tokens.StartId, tokens.EndIds[0], pad)
        {
            SourceEndId = tokens.SourceEndIds[0],
            SourcePadId = file.Integer(SourcePad, pad),
        };
    }

    /// <summary>Formats a model's configuration record, vocabularies and special tokens.</summary>
    /// <param name="modelType">The value of model_type.</param>
    /// <param name="model">The model.</param>
    /// <param name="sharesVocabulary">Whether sources and targets have one vocabulary.</param>
    /// <param name="ends">The special tokens.</param>
    /// <param name="config">The record; its properties become keys in snake_case.</param>
    public static string Write(string modelType, SequenceToSequenceModel model, bool sharesVocabulary,
        SequenceEnds ends, object config)
    {
        JsonObject tokens = Tokens(ends, sharesVocabulary);
        tokens[Vocabulary] = model.VocabularySize;
        tokens[SourceVocabulary] = sharesVocabulary ? null : model.SourceVocabularySize;
        return ConfigRecords.Write(modelType, tokens, config);
    }

    /// <summary>
    /// Reads what <see cref="Write"/> wrote: the record, the size of the sources' vocabulary, or null if targets share
    /// it, and the size of the targets' vocabulary.
    /// </summary>
    /// <exception cref="AtelierException">A key is missing, unknown, or has a value that is out of range.</exception>
    public static (T Config, int? SourceVocabulary, int Vocabulary) Read<T>(ConfigFile file)
        where T : notnull
    {
        IEnumerable<string> record = typeof(T).GetProperties().Where(property => property.CanWrite)
            .Select(property => JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name));
        file.RefuseUnread(new KnownKeys(
            [.. record, Vocabulary, SourceVocabulary, Start, End, Pad, SourceEnd, SourcePad,
                EncoderDecoderConfigFile.Prefix], ["model_type"]));
        return (file.Read<T>(), file.IntegerOrNull(SourceVocabulary), file.VocabularySize);
    }
}
